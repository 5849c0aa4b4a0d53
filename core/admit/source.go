package admit

import "slices"

// Source is one assignment of a source: records are offered to it while it is not
// revoked. It belongs to State.
type Source struct {
	instance *instance
	name     string
	epoch    uint64
	revoked  bool
	paused   Reason // Span, or the instance's
	count    int64  // records taken: the newest one's ordinal

	// The handles of its open records, in the order of their ordinals.
	oldest, newest *handle
}

// handle is one bringing of a record that is to be settled.
type handle struct {
	record       *record
	source       *Source
	position     uint64
	ordinal      int64   // of the records taken from the source, from 1
	older, newer *handle // of the source
	next         *handle // of the record
}

// Assigned begins an epoch of a source. An earlier one ends with it; one that is
// not newer than the present one is ignored.
func (s *State) Assigned(now Now, instance int, name string, epoch uint64) {
	in := &s.instances[instance]
	if old := in.source(name); old != nil {
		if epoch <= old.epoch {
			return
		}
		s.revoke(old)
	}
	src := &Source{instance: in, name: name, epoch: epoch}
	in.sources = append(in.sources, src)
	if in.paused != NotPaused {
		s.pauseSource(now, src, in.paused, in.oldest)
	}
}

// Revoked ends an epoch: its records are not settled any more. What is open of it
// goes on and may be joined by a redelivery.
func (s *State) Revoked(instance int, name string, epoch uint64) {
	if src := s.instances[instance].source(name); src != nil && src.epoch == epoch {
		s.revoke(src)
		s.easePauses(src.instance)
	}
}

// Source finds an assignment, or returns nil if it is not the present one.
func (s *State) Source(instance int, name string, epoch uint64) *Source {
	if src := s.instances[instance].source(name); src != nil && src.epoch == epoch {
		return src
	}
	return nil
}

// Revoked tells whether the assignment has ended.
func (src *Source) Revoked() bool { return src.revoked }

// Paused tells which bound keeps the source from being taken from.
func (src *Source) Paused() Reason { return src.paused }

func (in *instance) source(name string) *Source {
	for _, src := range in.sources {
		if src.name == name {
			return src
		}
	}
	return nil
}

func (s *State) revoke(src *Source) {
	src.revoked = true
	in := src.instance
	if src.paused != NotPaused {
		// A pause ends with its epoch: who keeps it over epochs would never
		// deliver the next one.
		in.pausedSources--
		s.effects.Resumes = append(s.effects.Resumes, Resume{Instance: in.index, Source: src.name})
	}
	in.sources = slices.DeleteFunc(in.sources, func(o *Source) bool { return o == src })
	for src.oldest != nil {
		h := src.oldest
		s.detach(h)
	}
}

// attach adds a handle to a record.
func (s *State) attach(src *Source, r *record, position uint64) {
	if r.handles != nil {
		src.instance.load.records++ // the first one is counted with the record
	}
	h := s.newHandle()
	*h = handle{record: r, source: src, position: position, ordinal: src.count, older: src.newest, next: r.handles}
	r.handles = h
	if src.newest != nil {
		src.newest.newer = h
	} else {
		src.oldest = h
	}
	src.newest = h
}

// detach takes a handle off its record and its source.
func (s *State) detach(h *handle) {
	at := &h.record.handles
	for *at != h {
		at = &(*at).next
	}
	*at = h.next
	src := h.source
	if h.record.handles != nil {
		src.instance.load.records--
	}
	if h.older != nil {
		h.older.newer = h.newer
	} else {
		src.oldest = h.newer
	}
	if h.newer != nil {
		h.newer.older = h.older
	} else {
		src.newest = h.older
	}
	*h = handle{}
	s.handles = append(s.handles, h)
}

func (s *State) newHandle() *handle {
	if n := len(s.handles); n > 0 {
		h := s.handles[n-1]
		s.handles = s.handles[:n-1]
		return h
	}
	return new(handle)
}

// span is the number of records from the oldest open one to the newest taken.
func (src *Source) span() int64 {
	if src.oldest == nil {
		return 0
	}
	return src.count - src.oldest.ordinal + 1
}
