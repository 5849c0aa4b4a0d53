package sdk

// Freezer is an optional interface of a transport, declared by CapHandover, that
// can hand its listeners and connections to a successor in another process, in the
// middle of a frame too.
//
// The runtime calls Freeze on each loop of the old transport and Adopt on the same
// loop of the new one, which was configured with the same or changed options and
// on which AdoptListeners took the place of Open. In between no connection is
// read or written; what devices send meanwhile waits in their sockets.
type Freezer interface {
	Transport

	// FreezeListeners returns the listeners of all loops, in the order in which
	// AdoptListeners is to get them. The transport does not accept from now on and
	// forgets the descriptors without closing them: they are the caller's. It is
	// called once, not on a loop, after every loop was frozen.
	FreezeListeners() []Frozen

	// AdoptListeners takes the place of Open: the transport goes on accepting on
	// these descriptors, which are its own from now on, once it gets CommandListen.
	// A listener that its options do not name is closed, one that they name and
	// that is not there is bound. It returns the endpoints as Open does.
	AdoptListeners(h Host, f []Frozen) ([]Endpoint, error)

	// Freeze takes every connection off the loop and forgets it without closing
	// its descriptor: no event of it follows, no Closed either. Connections that
	// are on their way between two loops are at their new one by then, since the
	// runtime freezes when nothing is on its way.
	Freeze(l Loop) []Frozen

	// Adopt goes on with connections of another process, whose descriptors are the
	// transport's own from now on. It returns their ids here, in order; 0 for one
	// that it cannot go on with and has closed. Adopted connections emit events as
	// if they had always been here; those that were attached stay so, without
	// another Attached.
	Adopt(l Loop, f []Frozen) []ConnID
}

// Frozen is a listener or a connection between two processes.
type Frozen struct {
	Conn  ConnID // its id in the process that froze it; 0: a listener
	FD    int    // non-blocking, not watched by anybody; -1: none
	State []byte // the transport's own, versioned by it: what is half read and half written
}
