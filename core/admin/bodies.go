package admin

import (
	"errors"
	"io"
	"sync/atomic"
)

// bodies bounds the bytes of request bodies in memory, from the moment they are
// read until their requests are answered: what admission counts comes later, and
// what waits for it is counted by nobody else.
type bodies struct {
	max  int64 // immutable
	used atomic.Int64
}

// errBodies: the bytes of other requests leave no room.
var errBodies = errors.New("too many bytes wait to be pushed")

// body is a request's body as it is read. It counts what has come, so that a slow
// sender holds no more room than he has filled.
type body struct {
	of   *bodies
	from io.Reader
	held int64
}

// Read fails with errBodies at the bound. One body above it is read alone.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.held += int64(n)
	if used := b.of.used.Add(int64(n)); used > b.of.max && used > b.held {
		return n, errBodies
	}
	return n, err
}

// release gives the room back.
func (b *body) release() { b.of.used.Add(-b.held) }
