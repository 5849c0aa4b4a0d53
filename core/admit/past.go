package admit

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

// Brought is what became of a record at admission, where that is not simply that it
// was accepted: it is open, or it went no further.
type Brought struct {
	Instance int
	Source   string
	Position uint64
	ID       string // of the message; empty for operations, and where a bad record has none
	At       time.Time
	What     What

	Err      *Error // Died
	Lettered bool   // Died: by a letter; Open: the letter is on its way
	Waits    int    // Open: loops that have not said that it is safe
}

// What became of a record at admission.
type What uint8

// The kinds.
const (
	Open     What = iota + 1 // accepted; its receivers are neither terminal nor stored
	Died                     // not taken
	Repeated                 // its id was settled before: settled at once
	Joined                   // its id was open: settled together with that one
	Nobody                   // accepted; nobody it names is on this node or is owed anything
)

// pastMax is how many records are remembered that went no further: about 400 KB.
const pastMax = 4096

// past remembers them, in a ring.
type past struct {
	ring []Brought
	next int
}

func (p *past) add(b Brought) {
	if len(p.ring) < pastMax {
		p.ring = append(p.ring, b)
		return
	}
	p.ring[p.next] = b
	p.next = (p.next + 1) % pastMax
}

// note remembers that a record goes no further.
func (s *State) note(now Now, src *Source, p *Parsed, what What, err *Error) {
	in := src.instance
	s.past.add(Brought{
		Instance: in.index, Source: src.name, Position: p.Record.Position, ID: p.ID, At: now.Wall,
		What: what, Err: err, Lettered: what == Died && in.DeadLetter,
	})
}

// Unheard notes that an accepted message was dispatched to no loop.
func (s *State) Unheard(now Now, instance string, m *envelope.Message) {
	for i := range s.instances {
		if s.instances[i].Name == instance {
			s.past.add(Brought{Instance: i, Source: m.Origin.Source, Position: m.Origin.Position, ID: m.ID, At: now.Wall, What: Nobody})
		}
	}
}

// Find returns what admission knows of an id in all instances, or, with an Origin
// that names a plugin, of one record: what went no further newest first, then what
// is open.
func (s *State) Find(now Now, id string, o envelope.Origin) []Brought {
	var found []Brought
	for i := len(s.past.ring) - 1; i >= 0; i-- {
		b := &s.past.ring[(s.past.next+i)%len(s.past.ring)]
		if o.Plugin == "" && b.ID == id || o.Plugin == s.instances[b.Instance].Name && o.Source == b.Source && o.Position == b.Position {
			found = append(found, *b)
		}
	}
	for i := range s.instances {
		found = s.instances[i].findOpen(now, id, o, found)
	}
	return found
}

func (in *instance) findOpen(now Now, id string, o envelope.Origin, found []Brought) []Brought {
	for r := in.oldest; r != nil; r = r.newer {
		if o.Plugin == "" && (id == "" || r.name != id) || o.Plugin != "" && (o.Plugin != in.Name || !r.broughtBy(o)) {
			continue
		}
		found = append(found, Brought{
			Instance: in.index, Source: r.source, Position: r.position, ID: r.name, At: now.Wall.Add(r.at - now.Mono),
			What: Open, Lettered: r.letter != nil, Waits: r.waits.Len(),
		})
	}
	return found
}

func (r *record) broughtBy(o envelope.Origin) bool {
	for h := r.handles; h != nil; h = h.next {
		if h.source.name == o.Source && h.position == o.Position {
			return true
		}
	}
	return r.source == o.Source && r.position == o.Position
}
