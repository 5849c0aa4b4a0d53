package session

import "time"

// CatchUp is a session's way through what it missed of a group's history.
type CatchUp struct {
	Group   string
	After   uint64    // the device has, or was given, all up to it
	Upto    uint64    // what is newer comes from the outbox; 0: not begun
	At      time.Time // when the message at Upto was accepted, as far as that is known
	Entries []*Part   // read, and not given yet

	Owed  int           // JOINEDs
	Asked bool          // the store is being asked
	Ended bool          // there is nothing more to read
	Tries int           // reads that brought less than there must be
	Due   time.Duration // not to be asked before; 0: at once
}
