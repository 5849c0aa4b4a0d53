package config

import "time"

// Kinds of stores.
const (
	StoreMemory = "memory"
	StoreDisk   = "disk"
)

// Store is the section `store`.
type Store struct {
	// What keeps messages: disk or memory. On disk a message that counts as
	// stored survives a crash of the machine. Nothing in memory counts as
	// stored: a record stays unsettled at its broker until its messages are
	// acked or ended, and a restart forgets devices and memberships.
	Kind string `key:"kind" oneof:"disk memory"`
	// The directory of the store on disk, made if it is not there. It is one
	// node's alone. A relative one begins at the configuration file's
	// directory. run --data stands over it.
	Path string `key:"path" path:"directory"`
	// How long a message for a user without a session waits in memory, from its
	// acceptance or the end of his session. Then it ends as
	// dropped(memory_wait). Meanwhile it holds its broker record open. With a
	// store on disk it waits there until it expires.
	MemoryWait Duration `key:"memory_wait" min:"1s" max:"7d"`
}

func (s *Store) setDefaults() {
	s.Kind = StoreDisk
	s.Path = "./data"
	s.MemoryWait = Duration(60 * time.Second)
}

func (s *Store) validate(at place) {
	if s.Kind == StoreDisk && s.Path == "" {
		at.key("path").fail("a store on disk needs a directory")
	}
}
