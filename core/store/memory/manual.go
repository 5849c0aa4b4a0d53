package memory

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// Queued is the number of operations that are submitted and not applied. For
// Config.Manual.
func (s *Store) Queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Step applies up to n operations, ends what has expired, and answers. For
// Config.Manual.
func (s *Store) Step(n int) {
	s.apply(s.dequeue(n))
}

// Crash is the end of a process at this moment. What was answered survives in the
// store that is returned; of what was submitted, the first n operations take effect
// although nobody is told, and the rest is lost. Messages are without their
// records, as after any restart. The old store must not be used again. For
// Config.Manual.
func (s *Store) Crash(n int, cfg Config) *Store {
	var nobody store.Answers
	for _, op := range s.dequeue(n) {
		if s.fails(&op) == nil {
			s.data.apply(&op, &nobody)
		}
	}
	s.mu.Lock()
	s.closed, s.queue = true, nil
	s.mu.Unlock()
	s.data.own(cfg.Owner)
	s.data.carry()
	s.data.now = s.cfg.Now()
	s.data.endSessions()
	return open(cfg, s.data)
}

func (s *Store) dequeue(n int) []store.Op {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(s.queue))
	some := s.queue[:n:n]
	s.queue = s.queue[n:]
	return some
}

// carry makes what is stored that of an earlier run: messages without RecordID. Users
// who share a message go on to share it.
func (d *data) carry() {
	replaced := map[*envelope.Message]*envelope.Message{}
	for _, u := range d.users {
		for _, m := range u.messages {
			if replaced[m.message] == nil {
				plain := *m.message
				plain.Record = 0
				replaced[m.message] = &plain
			}
			m.message, m.carried = replaced[m.message], true
			for i := range m.receivers {
				m.receivers[i].given = false
			}
		}
	}
}
