package pluginrpc

// carrier takes the records of one end of a link to the other. It never blocks;
// what cannot go at once waits in it. Its methods are the end's loop's.
type carrier interface {
	// send appends whole records, of which it makes a copy.
	send(records []byte)
	// flush lets go what was sent in this turn.
	flush()
	// drain takes at once what has come already, where the end reads for itself.
	drain()
	// waiting is how many bytes of what was sent have not left this side.
	waiting() int
	// close ends the link; what was not flushed is lost.
	close()
}

var _ carrier = (*streamCarrier)(nil)

// streamCarrier sends into a stream that another goroutine empties.
type streamCarrier struct{ *stream }

func (c streamCarrier) send(records []byte) { c.put(records) }
func (c streamCarrier) flush()              {}
func (c streamCarrier) drain()              {}
func (c streamCarrier) waiting() int        { return c.length() }
