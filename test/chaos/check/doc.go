// Package check reads what publishers, devices and the rig wrote down during a run, and says what became of every
// message: lost, repeated, reordered, corrupt, at the wrong receiver, and whether the node's books balanced.
//
// It shares no code with the node: it knows lines in files, and imports the standard library only. A line is an event,
// its fields are separated by tabs, the first two of every line are the kind and the time in nanoseconds since 1970:
//
//	try     time source user number id            a publisher begins to publish a message
//	safe    time source user number id how        the broker, or the node over HTTP, has taken it: it is owed from now on
//	refused time source user number id why        it was not taken
//	open    time conn user device resumed epoch   a device was let in
//	push    time conn user device seq id payload  a message came; the payload is quoted as in Go
//	ack     time conn user device seq id          the device has handled that message and acks it
//	mute    time conn user device seq id          the device has handled it and keeps the ack to itself
//	move    time conn user device within          the device was asked to connect anew
//	close   time conn user device code            its connection ended
//	start   time                                  the node serves
//	kill    time                                  the node was killed
//	books   time difference                       pushcore_books_difference, as scraped
//	note    time text                             what the rig did, for people
//
// A source is one unit of order, a number counts a user's messages of one source from 0. A payload says what it is, see
// Payload, and carries a hash over that.
package check
