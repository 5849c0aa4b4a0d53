package memory

import "github.com/pushcore/pushcore/core/store"

// Scan names every stored pair, for tests that compare.
func (s *Store) Scan(f func(store.Pair)) {
	s.applying.Lock()
	defer s.applying.Unlock()
	for _, u := range s.data.users {
		for _, m := range u.messages {
			for _, r := range m.receivers {
				f(m.pair(r.Receiver))
			}
		}
	}
}
