package config

import "time"

// Store is the section `store`.
type Store struct {
	// What keeps messages: memory. Nothing in memory counts as stored: a record
	// stays unsettled at its broker until its messages are acked or ended, and
	// a restart forgets devices and memberships.
	Kind string `key:"kind" oneof:"memory"`
	// How long a message for a user without a session waits in memory, from its
	// acceptance or the end of his session. Then it ends as
	// dropped(memory_wait). Meanwhile it holds its broker record open.
	MemoryWait Duration `key:"memory_wait" min:"1s" max:"7d"`
}

func (s *Store) setDefaults() {
	s.Kind = "memory"
	s.MemoryWait = Duration(60 * time.Second)
}
