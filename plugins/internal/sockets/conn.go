package sockets

import (
	"github.com/pushcore/pushcore/sdk"
)

// Phase is where a connection is on its way; see the package's doc.
type Phase uint8

// The phases.
const (
	Free       Phase = iota // a slot of the slab
	Connecting              // CONNECT has not come
	Waiting                 // for Accept or Reject
	Moving                  // between two loops
	Attached
	Ending // CLOSE is said; waiting for the peer to close
)

// conn is one connection. It belongs to the loop that serves it; between two
// loops to the task that carries it.
type conn struct {
	server *loop // the loop that serves it
	codec  Codec
	tls    Layer // between socket and codec; nil without

	out  []byte // what the socket did not take; outWritten bytes before it are used up
	held []byte // Waiting: what came behind CONNECT

	outWritten int
	id         sdk.ConnID
	fd         int32
	first      int32 // segments of this turn in the loop's list, or none
	last       int32
	index      int32  // in the loop's list of connections
	heard      uint32 // tick of the last sign of life
	deadline   uint32 // tick at which it has had enough time: CONNECT, Accept, or the end
	heartbeat  uint32 // ticks within which the device sends something; 0: not watched

	phase     Phase
	interest  sdk.Interest
	dirty     bool // on the loop's flush list
	paused    bool // by the host
	congested bool // Congested was said, Writable not yet
	shut      bool // the writing side is shut down
	told      bool // the host knows the end: Closed has been emitted
	starved   bool // not read until the host has credit
}

// Layer is TLS between socket and codec: it is fed what the socket gave and gives
// what the codec may read, and the same the other way. A connection with a layer
// passes its reads through Open before Codec.Next, and at Flush what the turn
// gathered through Seal before the write; the handshake runs as more Open calls
// that return replies. No layer is built in this version.
type Layer interface {
	Open(cipher, plain, reply []byte) (newPlain, newReply []byte, err error)
	Seal(plain, cipher []byte) ([]byte, error)
	State() []byte
}

const none = int32(-1)

// A connection's id is its descriptor under a generation: it finds its connection
// by an index, and a later connection with the same descriptor is another one.
//
//	47          20 19         0
//	[ generation ] [descriptor]
const (
	descriptorBits = 20 // as many descriptors as a kernel gives by default
	generationMask = 1<<(48-descriptorBits) - 1
)

func connID(fd int32, generation uint32) sdk.ConnID {
	return sdk.ConnID(generation&generationMask)<<descriptorBits | sdk.ConnID(fd)
}

// descriptorOf is the descriptor in an id.
func descriptorOf(id sdk.ConnID) int { return int(id & (1<<descriptorBits - 1)) }

// slab holds connections in blocks, so that the collector sees few objects and a
// pointer to one stays valid. Blocks are never given back; a loop reuses its
// slots, and one goes back to the slab that it is of.
type slab struct {
	free []*conn
}

const slabBlock = 256

func (s *slab) take() *conn {
	if len(s.free) == 0 {
		block := make([]conn, slabBlock)
		for i := range block {
			s.free = append(s.free, &block[i])
		}
	}
	c := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	*c = conn{first: none, last: none, index: none}
	return c
}

func (s *slab) give(c *conn) {
	*c = conn{}
	s.free = append(s.free, c)
}
