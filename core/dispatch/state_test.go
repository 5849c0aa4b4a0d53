package dispatch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

var wall = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func now() admit.Now { return admit.Now{Wall: wall} }

var policy = &admit.Policy{Plugin: "orders", Push: true, Control: true, TTL: time.Hour, PayloadMax: 1 << 20}

// ownerOf spreads users "u0", "u1", … by their number.
func ownerOf(loops int) func(string) int {
	return func(user string) int { return int(user[len(user)-1]-'0') % loops }
}

func newState(loops int, change ...func(*StateConfig)) *State {
	cfg := StateConfig{Loops: loops, Owner: ownerOf(loops), Admit: admit.Config{Instances: []admit.Instance{{Name: "orders"}, {Name: "http"}}}}
	for _, c := range change {
		c(&cfg)
	}
	return NewState(cfg)
}

// parsed makes a record of "name: value" headers.
func parsed(position uint64, headers ...string) admit.Parsed {
	r := &sdk.Record{Position: position}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Headers = append(r.Headers, sdk.Header{Name: name, Value: []byte(value)})
	}
	p := admit.Parse(policy, admit.From{}, r, wall)
	if p.Err != nil {
		panic(p.Err)
	}
	return p
}

func batch(source string, records ...admit.Parsed) *Batch {
	return &Batch{Source: source, Epoch: 1, Records: records}
}

// show writes an input: what a shard would read.
func show(in envelope.Input) string {
	switch in := in.(type) {
	case *envelope.Deliver:
		return fmt.Sprintf("deliver %s %v", in.Message.ID, in.To)
	case *envelope.Control:
		return fmt.Sprintf("control %d %v %s%s", in.Op, in.To, in.Group, in.ID)
	case *envelope.GroupConfirmed:
		return fmt.Sprintf("confirmed %s %d", in.Group, in.Joins)
	case *envelope.StoreNow:
		return fmt.Sprintf("store now %d", in.UpTo)
	}
	return fmt.Sprintf("%T", in)
}

// outbound writes what waits for each loop, and takes it off.
func outbound(s *State) (all []string) {
	for loop := range s.out {
		for _, in := range s.Outbound(loop) {
			all = append(all, fmt.Sprintf("%d: %s", loop, show(in)))
		}
		s.Posted(loop, len(s.Outbound(loop)))
	}
	return all
}

func TestRecordsAreSplitByLoop(t *testing.T) {
	s := newState(3)
	s.Handle(now(), Assigned{0, "a", 1})
	join := func(group string, loop int) {
		s.Reports(now(), []envelope.Report{{Kind: envelope.ReportGroupJoin, Group: group, Loop: loop, Joins: 7}})
	}
	join("g", 0)
	join("g", 2)
	if got := outbound(s); fmt.Sprint(got) != "[0: confirmed g 7 2: confirmed g 7]" {
		t.Errorf("joins of loops: %q", got)
	}
	tests := []struct {
		headers []string
		want    []string
	}{
		{[]string{"push-to: user:u1"}, []string{"1: deliver x [0]"}},
		{[]string{"push-to: device:u2/phone"}, []string{"2: deliver x [0]"}},
		{[]string{"push-to: group:g"}, []string{"0: deliver x [0]", "2: deliver x [0]"}},
		{[]string{"push-to: group:nobody"}, nil},
		{[]string{"push-to: all"}, []string{"0: deliver x [0]", "1: deliver x [0]", "2: deliver x [0]"}},
		{[]string{"push-to: user:u0,user:u1,user:u3,group:g,all"}, []string{"0: deliver x [0 2 3 4]", "1: deliver x [1 4]", "2: deliver x [3 4]"}},
		{[]string{"push-to: user:u2,group:nobody,user:u5"}, []string{"2: deliver x [0 2]"}},
		{[]string{"push-op: join", "push-to: user:u1,user:u2,user:u4", "push-group: h"}, []string{"1: control 1 [user:u1 user:u4] h", "2: control 1 [user:u2] h"}},
		{[]string{"push-to: group:h"}, []string{"1: deliver x [0]", "2: deliver x [0]"}},
		{[]string{"push-op: leave", "push-to: user:u0", "push-group: h"}, []string{"0: control 2 [user:u0] h"}},
		{[]string{"push-op: kick", "push-to: device:u1/x"}, []string{"1: control 4 [device:u1/x] "}},
		{[]string{"push-op: dissolve", "push-group: h"}, []string{"1: control 3 [] h", "2: control 3 [] h"}},
		{[]string{"push-op: dissolve", "push-group: nobody"}, nil},
		{[]string{"push-op: withdraw", "push-id: x"}, []string{"0: control 5 [] x", "1: control 5 [] x", "2: control 5 [] x"}},
	}
	for i, test := range tests {
		headers := test.headers
		id := fmt.Sprint("m", i)
		if !strings.HasPrefix(headers[0], "push-op") {
			headers = append(headers, "push-id: "+id)
		}
		s.Handle(now(), batch("a", parsed(uint64(i), headers...)))
		if s.Run(now(), 10) {
			t.Errorf("%q: more to do", test.headers)
		}
		got := outbound(s)
		for i := range got {
			got[i] = strings.Replace(got[i], "deliver "+id+" ", "deliver x ", 1)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q:\n got %q\nwant %q", test.headers, got, test.want)
		}
	}
}

func TestSourcesTakeTurns(t *testing.T) {
	s := newState(1, func(c *StateConfig) { c.OutboundMax = 10_000 })
	for _, source := range []string{"a", "b"} {
		s.Handle(now(), Assigned{0, source, 1})
		var records []admit.Parsed
		for i := range 3 * quantum {
			records = append(records, parsed(uint64(i), "push-to: user:u0", fmt.Sprintf("push-id: %s%d", source, i)))
		}
		s.Handle(now(), batch(source, records[:quantum/2]...))
		s.Handle(now(), batch(source, records[quantum/2:]...))
	}
	if !s.Run(now(), 2*quantum) {
		t.Error("nothing more to take")
	}
	count := map[byte]int{}
	last := map[byte]string{}
	for _, in := range s.Outbound(0) {
		id := in.(*envelope.Deliver).Message.ID
		if want := fmt.Sprint(id[:1], count[id[0]]); id != want {
			t.Fatalf("%s comes where %s is next: the order of a source is lost", id, want)
		}
		count[id[0]]++
		last[id[0]] = id
	}
	if count['a'] != quantum || count['b'] != quantum {
		t.Errorf("taken %v; each source has its turn", count)
	}
	for s.Run(now(), quantum) {
	}
	if len(s.Outbound(0)) != 6*quantum || len(s.Finished()) != 4 {
		t.Errorf("%d taken, %d batches finished", len(s.Outbound(0)), len(s.Finished()))
	}
}

func TestFullMailboxStopsTheTaking(t *testing.T) {
	s := newState(2, func(c *StateConfig) { c.OutboundMax = 3 })
	s.Handle(now(), Assigned{0, "a", 1})
	var records []admit.Parsed
	for i := range 10 {
		records = append(records, parsed(uint64(i), "push-to: user:u1"))
	}
	s.Handle(now(), batch("a", records...))
	if s.Run(now(), 100) || !s.Blocked() || len(s.Outbound(1)) != 3 {
		t.Fatalf("%d inputs wait, at most 3 may", len(s.Outbound(1)))
	}
	if s.Run(now(), 100) || len(s.Outbound(1)) != 3 || len(s.Finished()) != 0 {
		t.Error("records are taken although the mailbox is full")
	}
	s.Posted(1, 1)
	if s.Run(now(), 100) || len(s.Outbound(1)) != 3 {
		t.Error("space for one is not space for one")
	}
	for range 9 {
		s.Posted(1, len(s.Outbound(1)))
		s.Run(now(), 100)
	}
	if len(s.Finished()) != 1 || s.Finished()[0].Err != nil || s.Stats(now()).Waiting != 0 {
		t.Errorf("finished: %+v", s.Finished())
	}
}

func TestBatchEnds(t *testing.T) {
	one := func() *Batch { return batch("a", parsed(1, "push-to: user:u0"), parsed(2, "push-to: user:u0")) }
	tests := []struct {
		name string
		play func(s *State, b *Batch)
		want []Finished // without Batch
	}{
		{"taken", func(s *State, b *Batch) { s.Handle(now(), b); s.Run(now(), 10) }, []Finished{{Answer: true, Last: true}}},
		{"empty", func(s *State, b *Batch) { b.Records = nil; s.Handle(now(), b) }, []Finished{{Answer: true, Last: true}}},
		{"not assigned", func(s *State, b *Batch) { b.Epoch = 2; s.Handle(now(), b) }, []Finished{{Err: ErrRevoked, Answer: true, Last: true}}},
		{"revoked", func(s *State, b *Batch) { s.Handle(now(), b); s.Handle(now(), Revoked{0, "a", 1}) },
			[]Finished{{Err: ErrRevoked, Answer: true, Last: true}}},
		{"assigned anew", func(s *State, b *Batch) { s.Handle(now(), b); s.Handle(now(), Assigned{0, "a", 2}) },
			[]Finished{{Err: ErrRevoked, Answer: true, Last: true}}},
		{"canceled before", func(s *State, b *Batch) { s.Handle(now(), b); s.Handle(now(), Cancel{b}); s.Run(now(), 10) },
			[]Finished{{Err: errCanceled, Answer: true, Last: true}}},
		{"canceled in between", func(s *State, b *Batch) {
			s.Handle(now(), b)
			s.Run(now(), 1)
			s.Handle(now(), Cancel{b})
			s.Run(now(), 1)
		}, []Finished{{Answer: true}, {Last: true}}},
		{"canceled after", func(s *State, b *Batch) { s.Handle(now(), b); s.Run(now(), 10); s.Handle(now(), Cancel{b}) },
			[]Finished{{Answer: true, Last: true}}},
		{"stopped", func(s *State, b *Batch) { s.Handle(now(), b); s.Handle(now(), StopIngress{}) },
			[]Finished{{Err: ErrStopped, Answer: true, Last: true}}},
		{"after the stop", func(s *State, b *Batch) { s.Handle(now(), StopIngress{}); s.Handle(now(), b) },
			[]Finished{{Err: ErrStopped, Answer: true, Last: true}}},
	}
	for _, test := range tests {
		s := newState(1)
		s.Handle(now(), Assigned{0, "a", 1})
		test.play(s, one())
		got := slices.Clone(s.Finished())
		for i := range got {
			got[i].Batch = nil
		}
		if !slices.EqualFunc(got, test.want, func(a, b Finished) bool {
			return errors.Is(a.Err, b.Err) && a.Answer == b.Answer && a.Last == b.Last
		}) {
			t.Errorf("%s: finished %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestPausedSourceWaitsAndGoesOn(t *testing.T) {
	s := newState(1, func(c *StateConfig) { c.Admit.Instances[0].MaxOpen.Records = 4 })
	s.Handle(now(), Assigned{0, "a", 1})
	s.Handle(now(), Assigned{1, "http", 1})
	var records []admit.Parsed
	for i := range 6 {
		records = append(records, parsed(uint64(i), "push-to: user:u0"))
	}
	s.Handle(now(), batch("a", records...))
	s.Handle(now(), &Batch{Instance: 1, Source: "http", Epoch: 1, Records: []admit.Parsed{parsed(1, "push-to: user:u0")}})
	if s.Run(now(), 100) {
		t.Error("a source that waits counts as more to do")
	}
	if e := s.Effects(); len(e.Pauses) != 1 || len(s.Finished()) != 1 || s.Finished()[0].Batch.Instance != 1 {
		t.Errorf("pauses %+v, finished %+v; another instance is not held up", e.Pauses, s.Finished())
	}
	want := "[0: deliver 0: deliver 0: deliver 0: store now 2 0: deliver 0: deliver]"
	got := outbound(s)
	for i := range got {
		if strings.Contains(got[i], "deliver") {
			got[i] = "0: deliver"
		}
	}
	if fmt.Sprint(got) != want {
		t.Errorf("outbound %v, want %s", got, want)
	}
	s.Reports(now(), []envelope.Report{{Kind: envelope.ReportSafe, Record: 1}})
	if !s.Run(now(), 0) || len(s.Effects().Resumes) != 1 {
		t.Error("a source that may go on does not")
	}
}

// TestEverythingAcceptedIsSettledOnce lets fake shards answer late and in any order
// among loops.
func TestEverythingAcceptedIsSettledOnce(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		s := newState(3, func(c *StateConfig) {
			c.OutboundMax = 1 + random.IntN(8)
			c.Admit.Instances[0].MaxOpen.Records = int64(1 + random.IntN(20))
			c.Admit.Instances[0].MaxSpan = int64(1 + random.IntN(20))
		})
		sources := []string{"a", "b"}
		for _, source := range sources {
			s.Handle(now(), Assigned{0, source, 1})
		}
		const each = 60
		sent := map[string]int{}
		inbox := make([][]envelope.Input, 3)
		last := map[string]uint64{} // loop and source → position
		settled := map[string]int{}
		for len(settled) < len(sources)*each {
			for _, source := range sources {
				if n := random.IntN(5); sent[source]+n <= each && random.IntN(3) == 0 || sent[source] < each && n == 4 {
					n = min(n, each-sent[source])
					var records []admit.Parsed
					for range n {
						sent[source]++
						to := []string{"push-to: user:u0", "push-to: user:u1,user:u2,user:u0", "push-to: all", "push-to: group:g"}[random.IntN(4)]
						one := parsed(uint64(sent[source]), to)
						one.Message.Origin.Source = source
						records = append(records, one)
					}
					s.Handle(now(), batch(source, records...))
				}
			}
			s.Run(now(), random.IntN(10))
			for loop := range inbox {
				n := random.IntN(len(s.Outbound(loop)) + 1)
				inbox[loop] = append(inbox[loop], s.Outbound(loop)[:n]...)
				s.Posted(loop, n)
				for random.IntN(2) == 0 && len(inbox[loop]) > 0 {
					d, ok := inbox[loop][0].(*envelope.Deliver)
					inbox[loop] = inbox[loop][1:]
					if !ok {
						continue
					}
					key := fmt.Sprint(loop, d.Message.Origin.Source)
					if d.Message.Origin.Position <= last[key] {
						t.Fatalf("seed %d: position %d after %d", seed, d.Message.Origin.Position, last[key])
					}
					last[key] = d.Message.Origin.Position
					s.Reports(now(), []envelope.Report{
						{Kind: envelope.ReportOwed, Loop: loop, Record: d.Message.Record, Pairs: random.IntN(4)},
						{Kind: envelope.ReportSafe, Loop: loop, Record: d.Message.Record},
					})
				}
			}
			for _, one := range s.Effects().Settled {
				key := fmt.Sprint(one.Source, one.Position)
				if settled[key]++; settled[key] > 1 {
					t.Fatalf("seed %d: %s is settled twice", seed, key)
				}
			}
			s.ResetEffects()
		}
		if st := s.Stats(now()).Instances[0]; st.Open != 0 || st.Bytes != 0 {
			t.Fatalf("seed %d: all is settled, but %+v", seed, st)
		}
	}
}

func TestTakingARecordAllocatesAFractionForEachPart(t *testing.T) {
	s := newState(2, func(c *StateConfig) { c.OutboundMax = 1 << 20; c.Admit.DedupeWindow = -1 })
	s.Handle(now(), Assigned{0, "a", 1})
	const runs = 2000
	var records []admit.Parsed
	for i := range 2*runs + 2 {
		records = append(records, parsed(uint64(i), "push-to: user:u0,user:u1", fmt.Sprint("push-id: ", i)))
	}
	s.Handle(now(), batch("a", records...))
	take := func() {
		s.Run(now(), 1)
		id := s.Outbound(0)[0].(*envelope.Deliver).Message.Record
		s.Posted(0, 1)
		s.Posted(1, 1)
		for loop := range 2 {
			s.Reports(now(), []envelope.Report{{Kind: envelope.ReportOwed, Loop: loop, Record: id, Pairs: 1}, {Kind: envelope.ReportSafe, Loop: loop, Record: id}})
		}
		s.ResetEffects()
	}
	for range runs {
		take()
	}
	if n := testing.AllocsPerRun(runs, take); n > 0 {
		t.Errorf("%v allocations for each record, want fewer than one", n)
	}
}

func BenchmarkTakeAndSettle(b *testing.B) {
	s := newState(2, func(c *StateConfig) { c.OutboundMax = 1 << 20 })
	s.Handle(now(), Assigned{0, "a", 1})
	p := parsed(1, "push-to: user:u0", "push-id: x")
	reports := make([]envelope.Report, 2)
	var n uint64
	b.ReportAllocs()
	for b.Loop() {
		n++
		m := *p.Message
		one := p
		one.Message, one.ID = &m, ids[n%uint64(len(ids))]
		at := admit.Now{Mono: time.Duration(n) * time.Hour, Wall: wall}
		s.Handle(at, batch("a", one))
		s.Run(at, 1)
		id := m.Record
		s.Posted(0, len(s.Outbound(0)))
		reports[0] = envelope.Report{Kind: envelope.ReportOwed, Record: id, Pairs: 1}
		reports[1] = envelope.Report{Kind: envelope.ReportSafe, Record: id}
		s.Reports(at, reports)
		s.ResetEffects()
	}
}

var ids = func() (ids []string) {
	for i := range 4096 {
		ids = append(ids, fmt.Sprint("order-", i))
	}
	return ids
}()
