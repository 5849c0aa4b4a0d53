package client

// memory holds the ids of the messages handled last.
type memory struct {
	limit int
	ids   []string // a ring once it is full; the oldest is at next
	next  int
	known map[string]struct{}
}

// resize changes how many ids are held. The newest stay.
func (m *memory) resize(limit int) {
	limit = max(0, limit)
	if limit == m.limit {
		return
	}
	ordered := append(append(make([]string, 0, len(m.ids)), m.ids[m.next:]...), m.ids[:m.next]...)
	ordered = ordered[max(0, len(ordered)-limit):]
	m.limit, m.ids, m.next = limit, ordered, 0
	m.known = make(map[string]struct{}, len(ordered))
	for _, id := range ordered {
		m.known[id] = struct{}{}
	}
}

func (m *memory) has(id string) bool {
	_, ok := m.known[id]
	return ok
}

// add remembers id and forgets the oldest one if there are too many.
func (m *memory) add(id string) {
	if m.limit == 0 || m.has(id) {
		return
	}
	m.known[id] = struct{}{}
	if len(m.ids) < m.limit {
		m.ids = append(m.ids, id)
		return
	}
	delete(m.known, m.ids[m.next])
	m.ids[m.next] = id
	m.next = (m.next + 1) % m.limit
}
