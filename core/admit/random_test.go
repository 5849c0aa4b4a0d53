package admit

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

// A second implementation of settlement, as obvious as can be: lists that are
// searched from end to end.
type model struct {
	open     []*modelRecord
	settled  []modelID // all there ever were
	expected []string  // what is to be settled
}

type modelRecord struct {
	id      envelope.RecordID
	name    string
	print   int
	parts   map[int]bool // loops that are not safe
	how     envelope.How
	handles []modelHandle
}

type modelHandle struct {
	source          string
	epoch, position uint64
}

type modelID struct {
	name  string
	print int
	until time.Duration
	how   envelope.How
}

func (m *model) expect(h modelHandle, name string, how envelope.How, outcome sdk.Outcome) {
	m.expected = append(m.expected, fmt.Sprintf("%s@%d/%d %s %d %d", h.source, h.epoch, h.position, name, how, outcome))
}

func (m *model) find(name string) *modelRecord {
	for _, r := range m.open {
		if r.name == name {
			return r
		}
	}
	return nil
}

// was returns the latest settled id that is still remembered.
func (m *model) was(now time.Duration, name string) *modelID {
	for i := len(m.settled) - 1; i >= 0; i-- {
		if s := &m.settled[i]; s.name == name && s.until > now {
			return s
		}
	}
	return nil
}

// offer says whether the record is one to be dispatched.
func (m *model) offer(now time.Duration, h modelHandle, name string, print int) (accept bool) {
	if r := m.find(name); r != nil {
		if r.print != print {
			m.expect(h, name, 0, sdk.Dead)
			return false
		}
		r.handles = append(r.handles, h)
		return false
	}
	if s := m.was(now, name); s != nil {
		if s.print != print {
			m.expect(h, name, 0, sdk.Dead)
		} else {
			m.expect(h, name, s.how, sdk.Done)
		}
		return false
	}
	return true
}

func (m *model) safe(now time.Duration, id envelope.RecordID, loop int, how envelope.How) {
	for i, r := range m.open {
		if r.id != id || !r.parts[loop] {
			continue
		}
		delete(r.parts, loop)
		r.how = max(r.how, how)
		if len(r.parts) == 0 {
			m.end(now, r)
			m.open = append(m.open[:i], m.open[i+1:]...)
		}
		return
	}
}

func (m *model) end(now time.Duration, r *modelRecord) {
	for _, h := range r.handles {
		m.expect(h, r.name, r.how, sdk.Done)
	}
	m.settled = append(m.settled, modelID{r.name, r.print, now + windowOfTest, r.how})
}

func (m *model) revoke(source string) {
	for _, r := range m.open {
		kept := r.handles[:0]
		for _, h := range r.handles {
			if h.source != source {
				kept = append(kept, h)
			}
		}
		r.handles = kept
	}
}

// records is what counts against the bound.
func (m *model) records() (n int64) {
	for _, r := range m.open {
		n += int64(max(1, len(r.handles)))
	}
	return n
}

const (
	windowOfTest  = 10 * time.Second
	recordsOfTest = 12
)

// TestSettlesAsTheModelDoes plays random assignments, offers, reports and time. A
// record that has to wait must find its source paused and the bound reached, and
// when everything is safe nothing may be paused.
func TestSettlesAsTheModelDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPlay(rt)
		for range rapid.IntRange(1, 120).Draw(rt, "steps") {
			p.step()
			p.compare()
		}
		for len(p.model.open) > 0 {
			r := p.model.open[0]
			for loop := range r.parts {
				p.safe(r.id, loop, envelope.HowEnded)
			}
			p.compare()
		}
		stats := p.state.Stats(p.now, 0)
		if stats.Open != 0 || stats.Pairs != 0 || stats.Bytes != 0 || stats.Paused[OpenRecords] != 0 {
			rt.Fatalf("all is safe, but %+v", stats)
		}
	})
}

type randomPlay struct {
	rt     *rapid.T
	state  *State
	model  *model
	now    Now
	epochs map[string]uint64
	next   uint64 // position
}

func newPlay(rt *rapid.T) *randomPlay {
	p := &randomPlay{rt: rt, model: &model{}, epochs: map[string]uint64{}, now: Now{Wall: wall}}
	p.state = New(Config{DedupeWindow: windowOfTest,
		Instances: []Instance{{Name: "orders", MaxOpen: sdk.MaxOpen{Records: recordsOfTest}, MaxSpan: -1}}})
	return p
}

func (p *randomPlay) step() {
	source := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(p.rt, "source")
	switch rapid.IntRange(0, 11).Draw(p.rt, "what") {
	case 0:
		p.epochs[source]++
		p.model.revoke(source)
		p.state.Assigned(p.now, 0, source, p.epochs[source])
	case 1:
		p.model.revoke(source)
		p.state.Revoked(0, source, p.epochs[source])
		p.epochs[source]++ // what is offered to it is stale
	case 2:
		p.now.Mono += time.Duration(rapid.IntRange(1, 6).Draw(p.rt, "seconds")) * time.Second
		p.state.Tick(p.now)
	case 3, 4, 5:
		loop := rapid.IntRange(0, 3).Draw(p.rt, "loop")
		id := envelope.RecordID(rapid.IntRange(1, int(p.state.last)+1).Draw(p.rt, "record"))
		p.state.Owed(id, loop, rapid.IntRange(0, 9).Draw(p.rt, "pairs"))
		p.safe(id, loop, envelope.How(rapid.IntRange(0, 1).Draw(p.rt, "how")))
	default:
		p.offer(source)
	}
}

func (p *randomPlay) safe(id envelope.RecordID, loop int, how envelope.How) {
	p.state.Safe(p.now, id, loop, how)
	p.model.safe(p.now.Mono, id, loop, how)
}

func (p *randomPlay) offer(source string) {
	src := p.state.Source(0, source, p.epochs[source])
	if src == nil {
		return
	}
	name := fmt.Sprint("id", rapid.IntRange(0, 20).Draw(p.rt, "id"))
	print := max(0, rapid.IntRange(-6, 1).Draw(p.rt, "body"))
	p.next++
	r := rec(fmt.Sprint(print), "push-to: user:a", "push-id: "+name)
	r.Position = p.next
	parsed := Parse(liberal(), From{Source: source}, r, p.now.Wall)
	verdict := p.state.Offer(p.now, src, &parsed)
	if verdict == WaitsForRoom {
		if src.Paused() == NotPaused {
			p.rt.Fatalf("a record waits, but its source is not paused")
		}
		return
	}
	accept := p.model.offer(p.now.Mono, modelHandle{source, p.epochs[source], p.next}, name, print)
	if accept != (verdict == Accepted) {
		p.rt.Fatalf("%s: verdict %d, the model accepts: %v", name, verdict, accept)
	}
	if !accept {
		return
	}
	m := &modelRecord{id: parsed.Message.Record, name: name, print: print, parts: map[int]bool{},
		handles: []modelHandle{{source, p.epochs[source], p.next}}}
	var loops LoopSet
	for loop := range 4 {
		if rapid.Bool().Draw(p.rt, "goes to") {
			loops.Add(loop)
			m.parts[loop] = true
		}
	}
	p.state.Dispatched(p.now, m.id, loops)
	if len(m.parts) == 0 {
		p.model.end(p.now.Mono, m)
		return
	}
	p.model.open = append(p.model.open, m)
}

// compare compares what was settled since the last time, and what is open.
func (p *randomPlay) compare() {
	want := map[string]int{}
	for _, line := range p.model.expected {
		want[line]++
	}
	for _, s := range p.state.Effects().Settled {
		line := fmt.Sprintf("%s@%d/%d %s %d %d", s.Source, s.Epoch, s.Position, s.ID, s.How, s.Outcome)
		if want[line]--; want[line] < 0 {
			p.rt.Fatalf("settled %s; the model settles %q", line, p.model.expected)
		}
	}
	if len(p.state.Effects().Settled) != len(p.model.expected) {
		p.rt.Fatalf("settled %+v; the model settles %q", p.state.Effects().Settled, p.model.expected)
	}
	p.model.expected = nil
	p.state.Effects().Reset()
	if got, want := p.state.Stats(p.now, 0).Open, p.model.records(); got != want {
		p.rt.Fatalf("%d records are open, in the model %d", got, want)
	}
	p.loads()
}

// loads adds up what is open and compares it with what is kept.
func (p *randomPlay) loads() {
	in := &p.state.instances[0]
	var all, unasked load
	for r := in.oldest; r != nil; r = r.newer {
		records := int64(0)
		for h := r.handles; h != nil; h = h.next {
			records++
		}
		all.add(max(1, records), r.pairs, r.bytes)
		if r.id > in.asked {
			unasked.add(1, r.pairs, r.bytes)
		}
	}
	if all != in.load || unasked != in.unaskedLoad {
		p.rt.Fatalf("load is %+v, unasked %+v; added up %+v and %+v", in.load, in.unaskedLoad, all, unasked)
	}
	if in.unasked != nil && (in.unasked.id <= in.asked || in.unasked.older != nil && in.unasked.older.id > in.asked) {
		p.rt.Fatalf("the first unasked is record %d, asked up to %d", in.unasked.id, in.asked)
	}
}

func TestOfferDoesNotAllocateBeyondTheRecordItself(t *testing.T) {
	s, src, parsed := openPlay(10_000)
	next := 0
	// Warm up: maps, queues and pools have their size.
	for range len(parsed) {
		acceptAndEnd(s, src, &parsed[next])
		next++
	}
	next = 0
	s.instances[0].settled.expire(time.Hour * 100)
	if n := testing.AllocsPerRun(5000, func() {
		acceptAndEnd(s, src, &parsed[next])
		next++
	}); n > 0 {
		t.Errorf("%v allocations for each record, want 0", n)
	}
}

func openPlay(records int) (*State, *Source, []Parsed) {
	s := New(Config{Instances: []Instance{{Name: "orders"}}, DedupeWindow: time.Hour})
	s.Assigned(Now{Wall: wall}, 0, "push/3", 1)
	src := s.Source(0, "push/3", 1)
	var parsed []Parsed
	for i := range records {
		r := rec("payload", "push-to: user:alice")
		r.Position = uint64(i)
		parsed = append(parsed, Parse(liberal(), From{"push/3", true}, r, wall))
	}
	return s, src, parsed
}

func acceptAndEnd(s *State, src *Source, p *Parsed) {
	now := Now{Wall: wall}
	if s.Offer(now, src, p) != Accepted {
		panic("not accepted")
	}
	var loops LoopSet
	loops.Add(1)
	s.Dispatched(now, p.Message.Record, loops)
	s.Owed(p.Message.Record, 1, 1)
	s.Safe(now, p.Message.Record, 1, envelope.HowEnded)
	s.Effects().Reset()
}

func BenchmarkOfferToSettled(b *testing.B) {
	s, src, parsed := openPlay(100_000)
	next := 0
	b.ReportAllocs()
	for b.Loop() {
		if next == len(parsed) {
			next = 0
			s.instances[0].settled.expire(time.Hour * 100)
		}
		acceptAndEnd(s, src, &parsed[next])
		next++
	}
}
