package disk

import (
	"errors"
	"fmt"
	"iter"

	"github.com/pushcore/pushcore/core/store"
)

// errStop ends a scan whose reader has enough.
var errStop = errors.New("enough")

func goOn(more bool) error {
	if more {
		return nil
	}
	return errStop
}

// reading reads between two groups. All of this was read when the store was opened;
// if it cannot be read now, the disk has failed.
func (s *Store) reading(f func(d *data) error) {
	s.applying.Lock()
	defer s.applying.Unlock()
	s.data.begin(s.cfg.Now())
	defer s.data.rollback()
	if err := f(s.data); err != nil && !errors.Is(err, errStop) {
		s.state.fail(fmt.Errorf("what is carried cannot be read: %w", err))
	}
}

// Carried yields what the store holds of each user, in no order.
func (s *Store) Carried() iter.Seq[store.Carried] {
	return func(yield func(store.Carried) bool) {
		s.reading(func(d *data) error {
			seen := map[string]struct{}{}
			c := store.Carried{}
			more := true
			flush := func() {
				if c.User != "" || len(c.Devices)+len(c.Groups) > 0 {
					if d.users[c.User] != nil {
						seen[c.User] = struct{}{}
					}
					more = yield(d.carried(c))
				}
			}
			err := d.kind(keyUser, func(key []byte, content *content) error {
				p := parse(key, 1)
				if name := p.user(); name != c.User {
					if flush(); !more {
						return errStop
					}
					c = store.Carried{User: name}
				}
				if p.octet() == userMember {
					c.Groups = append(c.Groups, string(p.rest))
					return nil
				}
				c.Devices = append(c.Devices, content.device(string(p.rest)))
				return content.close(key)
			})
			if err != nil {
				return err
			}
			if flush(); !more {
				return nil
			}
			for name := range d.users {
				if _, done := seen[name]; !done && !yield(d.carried(store.Carried{User: name})) {
					return nil
				}
			}
			return nil
		})
	}
}

// carried adds what a user has stored.
func (d *data) carried(c store.Carried) store.Carried {
	if u := d.users[c.User]; u != nil {
		c.Pairs, c.Messages, c.Bytes = u.pairs, u.messages, u.bytes
	}
	return c
}

// CarriedOwed yields the notices that were not told.
func (s *Store) CarriedOwed() iter.Seq[store.Pair] {
	return func(yield func(store.Pair) bool) {
		s.reading(func(d *data) error {
			return d.kind(keyNotice, func(key []byte, c *content) error {
				n := c.notice()
				if err := c.close(key); err != nil {
					return err
				}
				p := parse(key, 1)
				n.Owed = p.number()
				return goOn(yield(n))
			})
		})
	}
}

// CarriedIDs yields the ids whose time is not over, oldest first.
func (s *Store) CarriedIDs() iter.Seq[store.Remembered] {
	return func(yield func(store.Remembered) bool) {
		s.reading(func(d *data) error {
			return d.kind(keyKept, func(key []byte, c *content) error {
				r := c.remembered(key)
				if err := c.close(key); err != nil || !r.Until.After(d.now) {
					return err
				}
				return goOn(yield(r))
			})
		})
	}
}

// CarriedGroups yields the positions of groups that have a history.
func (s *Store) CarriedGroups() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		s.applying.Lock()
		defer s.applying.Unlock()
		for group, h := range s.data.histories {
			if !yield(group, h.position) {
				return
			}
		}
	}
}
