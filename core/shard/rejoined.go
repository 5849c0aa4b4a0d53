package shard

import "github.com/pushcore/pushcore/sdk"

// Rejoined is a connection that a plugin's process has kept while it had no
// runtime.
type Rejoined struct {
	Conn   sdk.ConnID
	Keep   []byte // what was given with Accept or Keep last
	Seq    uint64 // highest number handed over to it
	Acked  uint64 // highest cumulative ack seen of it
	Queued int    // bytes that wait for its socket
	Gone   bool   // it has ended meanwhile
}

// Renamed says which id a connection has in the process that took another's place;
// To 0: it was lost.
type Renamed struct{ From, To sdk.ConnID }
