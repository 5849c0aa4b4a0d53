package admit

import "github.com/pushcore/pushcore/core/envelope"

// load is what open records amount to.
type load struct{ records, pairs, bytes int64 }

func (l *load) add(records, pairs, bytes int64) {
	l.records += records
	l.pairs += pairs
	l.bytes += bytes
}

// room tells whether a record of so many bytes may be taken, and pauses what has
// to wait for it. One record above a bound is taken alone. How many pairs a record
// has is known only later, so that pairs may pass their bound by those of the
// records that are on their way to the shards.
func (s *State) room(now Now, src *Source, bytes int64) bool {
	in := src.instance
	if src.paused != NotPaused {
		return false
	}
	reason := NotPaused
	switch most := &in.MaxOpen; {
	case in.load.records == 0:
	case in.load.records >= most.Records:
		reason = OpenRecords
	case in.load.pairs >= most.Pairs:
		reason = OpenPairs
	case in.load.bytes+bytes > int64(most.Bytes):
		reason = OpenBytes
	}
	if reason != NotPaused {
		in.paused, in.need = reason, bytes
		for _, o := range in.sources {
			s.pauseSource(now, o, reason, in.oldest)
		}
		return false
	}
	if in.MaxSpan > 0 && src.span() >= in.MaxSpan {
		s.pauseSource(now, src, Span, src.oldest.record)
		return false
	}
	return true
}

// pauseSource pauses a source unless it is.
func (s *State) pauseSource(now Now, src *Source, reason Reason, waits *record) {
	if src.paused != NotPaused {
		return
	}
	src.paused = reason
	src.instance.pausedSources++
	s.effects.Pauses = append(s.effects.Pauses,
		Pause{Instance: src.instance.index, Source: src.name, Reason: reason, Waits: waits.describe(now)})
}

func (r *record) describe(now Now) Waits {
	if r == nil {
		return Waits{}
	}
	return Waits{Source: r.source, Position: r.position, ID: r.name, Age: now.Mono - r.at}
}

// easePauses resumes what was paused once a quarter of the bound is free again, so
// that sources do not stop and go with each record.
func (s *State) easePauses(in *instance) {
	if in.pausedSources == 0 && in.paused == NotPaused {
		return
	}
	if in.paused != NotPaused && in.roomy() {
		in.paused, in.need = NotPaused, 0
	}
	if in.paused != NotPaused {
		return
	}
	for _, src := range in.sources {
		if src.paused == NotPaused || src.paused == Span && src.span() > threeQuarters(in.MaxSpan) {
			continue
		}
		src.paused = NotPaused
		in.pausedSources--
		s.effects.Resumes = append(s.effects.Resumes, Resume{Instance: in.index, Source: src.name})
	}
}

// roomy tells whether an instance that was paused may go on.
func (in *instance) roomy() bool {
	most := &in.MaxOpen
	if in.load.records == 0 {
		return true
	}
	return in.load.records <= threeQuarters(most.Records) && in.load.pairs <= threeQuarters(most.Pairs) &&
		in.load.bytes <= threeQuarters(int64(most.Bytes)) && in.load.bytes+in.need <= int64(most.Bytes)
}

func threeQuarters(n int64) int64 { return n - (n+3)/4 }

// askForHalf asks to store the oldest at once when half of a bound is reached by
// records that were not asked for: as many of them as bring it to a quarter. So
// each record is asked for at most once.
func (s *State) askForHalf(in *instance, src *Source) {
	half, quarter := in.MaxOpen, in.MaxOpen
	half.Records, half.Pairs, half.Bytes = half.Records/2, half.Pairs/2, half.Bytes/2
	if in.unaskedLoad.above(half.Records, half.Pairs, int64(half.Bytes)) {
		quarter.Records, quarter.Pairs, quarter.Bytes = quarter.Records/4, quarter.Pairs/4, quarter.Bytes/4
		rest, last := in.unaskedLoad, in.unasked
		for r := in.unasked; r != nil && rest.above(quarter.Records, quarter.Pairs, int64(quarter.Bytes)); r = r.newer {
			rest.add(-1, -r.pairs, -r.bytes)
			last = r
		}
		s.ask(in, last.id)
	}
	if src != nil {
		s.askForSpan(src)
	}
}

func (l *load) above(records, pairs, bytes int64) bool {
	return l.records > records || l.pairs > pairs || l.bytes > bytes
}

// askForSpan asks to store a source's oldest when its span is half of the bound: so
// many that without them it is a quarter.
func (s *State) askForSpan(src *Source) {
	in := src.instance
	if in.MaxSpan <= 0 || src.span() <= in.MaxSpan/2 || src.oldest.record.id <= in.asked {
		return
	}
	last := src.oldest
	for h := last; h != nil && src.count-h.ordinal >= in.MaxSpan/4; h = h.newer {
		last = h
	}
	s.ask(in, last.record.id)
}

// ask asks all shards to store what records up to one wait for.
func (s *State) ask(in *instance, upTo envelope.RecordID) {
	if upTo <= in.asked {
		return
	}
	in.asked = upTo
	for r := in.unasked; r != nil && r.id <= upTo; r = r.newer {
		in.unaskedLoad.add(-1, -r.pairs, -r.bytes)
		in.unasked = r.newer
	}
	s.effects.StoreNow = max(s.effects.StoreNow, upTo)
}
