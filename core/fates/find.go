package fates

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

// foundMax is how many messages one question finds at most. An id is taken again
// only after delivery.dedupe_window, so there are few.
const foundMax = 16

// Find returns what is remembered of an id, in all scopes, the latest first. With a
// user its Ends are only his.
func (h *History) Find(id, user string) []Message {
	return h.chain(h.ids[h.hash(id)], atSameID, user, func(m *Message) bool { return m.ID == id })
}

// FindOrigin returns what is remembered of the record of an origin, the latest
// first: more than one only if it was taken again.
func (h *History) FindOrigin(o envelope.Origin, user string) []Message {
	return h.chain(h.sources[h.hashPosition(o.Position)], atSameSource, user, func(m *Message) bool { return m.Origin == o })
}

func (h *History) chain(at place, next int, user string, wanted func(*Message) bool) []Message {
	var found []Message
	for h.log.has(at) && len(found) < foundMax {
		r := record(h.log.at(at))
		if m := r.message(); wanted(&m) {
			m.Ends = h.ends(r.place(atRow), user)
			found = append(found, m)
		}
		at = r.place(next)
	}
	return found
}

func (h *History) ends(at place, user string) []End {
	var list []End
	for h.log.has(at) {
		r := record(h.log.at(at))
		if user == "" || string(r.text(2, atRowText, 0)) == user {
			list = append(list, r.end())
		}
		at = r.place(atRowBefore)
	}
	return list
}

// Since is the instant from which on nothing has been forgotten; zero: nothing was.
func (h *History) Since() time.Time {
	if n := h.log.since(); n != 0 {
		return time.Unix(0, n).UTC()
	}
	return time.Time{}
}
