package shard_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// TestRandomStoriesKeepTheContract makes up stories of the language of testdata. A
// failure prints the story, which can be put there. After every step the books must
// balance and what is called safe must be stored or have ended; messages must come
// in order; and at the end nothing may be missing, and nothing left.
func TestRandomStoriesKeepTheContract(t *testing.T) {
	for _, c := range []struct{ name, config string }{
		{"roomy", "config total=250"},
		{"tight", "config total=250 outbox=3 window=2 turn=1"},
		{"memory", "config durable=no total=250"},
		{"memory, tight", "config durable=no total=250 outbox=3 window=2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { newTale(t, c.config).tell() })
		})
	}
}

// tale is a random story.
type tale struct {
	t       *rapid.T
	stage   *stage
	story   []string
	devices []*actor
	pushed  map[string]*told
	ids     []string
	conns   int
	crashed bool
}

// told is what is known of a message that was pushed.
type told struct {
	at       int
	reliable bool
	any      bool
	over     bool // withdrawn, refused, or has a key to collapse: it may end otherwise than by an ack
}

// actor is a device.
type actor struct {
	user, id, platform string
	conn               string            // empty: none
	last               string            // the connection it may resume
	top, acked         uint64            // seqs of the session: the highest it has got, and has acked
	got                map[uint64]string // by seq, of the session
	jammed             bool
	seen               map[string]bool
	newest             int // place of the newest reliable message that came first
}

func (a *actor) String() string { return a.user + "/" + a.id }

// Fatalf prints the story with what went wrong.
func (s *tale) Fatalf(format string, args ...any) {
	s.t.Fatalf("> %s\n%s", strings.Join(s.story, "\n> "), fmt.Sprintf(format, args...))
}

// Helper makes a tale a failer.
func (s *tale) Helper() {}

func newTale(t *rapid.T, config string) *tale {
	s := &tale{t: t, pushed: map[string]*told{}}
	s.stage = newStage(s)
	s.stage.delivered, s.stage.fated, s.stage.closed = s.delivered, s.fated, s.closed
	s.do("%s", config)
	s.devices = []*actor{
		{user: "alice", id: "phone", platform: "phone"}, {user: "alice", id: "pad", platform: "pad"},
		{user: "bob", id: "phone", platform: "phone"}, {user: "carol"}, {user: "carol", id: "pad", platform: "pad"},
	}
	for _, d := range s.devices {
		d.seen, d.newest = map[string]bool{}, -1
	}
	return s
}

func (s *tale) do(format string, args ...any) {
	command := fmt.Sprintf(format, args...)
	s.story = append(s.story, command)
	s.stage.do(command)
	s.checkSafe()
}

func pick[T any](s *tale, some []T) T { return rapid.SampledFrom(some).Draw(s.t, "pick") }

func (s *tale) number(from, to int) int { return rapid.IntRange(from, to).Draw(s.t, "n") }

func (s *tale) tell() {
	for range s.number(1, 40) {
		s.step()
	}
	s.calm()
}

func (s *tale) step() {
	d := pick(s, s.devices)
	switch n := s.number(0, 99); {
	case n < 30:
		s.push()
	case n < 45:
		s.connect(d)
	case n < 62 && d.conn != "" && d.top > 0:
		seq := s.number(0, int(d.top))
		d.acked = max(d.acked, uint64(seq))
		s.do("ack %s %d", d.conn, seq)
	case n < 66 && d.conn != "":
		s.do("close %s", d.conn)
		s.lose(d)
	case n < 70 && d.conn != "":
		d.jammed = !d.jammed
		s.do("%s %s", map[bool]string{true: "congested", false: "writable"}[d.jammed], d.conn)
	case n < 78:
		s.do("run %s", pick(s, []string{"50ms", "1s", "3s", "3s", "61s"}))
	case n < 88:
		s.do("store %s", pick(s, []string{"hold", "step 1", "step", "release", "fail", "mend"}))
	case n < 90:
		s.do("broker %s", pick(s, []string{"away", "back"}))
	default:
		s.rare(d)
	}
}

// rare does what happens now and then.
func (s *tale) rare(d *actor) {
	switch s.number(0, 7) {
	case 0:
		s.do("%s room user:%s", pick(s, []string{"member", "member", "unmember"}), d.user)
	case 1:
		if len(s.ids) > 0 {
			id := pick(s, s.ids)
			s.pushed[id].over = true
			s.do("withdraw %s", id)
		}
	case 2:
		if d.conn != "" && d.top > d.acked {
			s.do("nack %s %d after=300ms", d.conn, d.top)
		}
	case 3:
		if d.conn != "" {
			s.do("%s %s room", pick(s, []string{"join", "leave"}), d.conn)
		}
	case 4:
		s.do("storenow")
	case 5:
		s.do("kick - device:%s/%s", d.user, "phone")
	case 6:
		s.crash()
	case 7:
		s.end()
	}
}

// end stops the process in good order: what is left of all messages is stored.
func (s *tale) end() {
	s.do("store mend")
	s.do("store release")
	s.do("broker back")
	s.do("drain")
	s.do("move rate=%d busy=%s within=500ms grace=1s", s.number(0, 5), pick(s, []string{"0s", "1s"}))
	for range s.number(0, 3) {
		if d := pick(s, s.devices); d.conn != "" {
			d.acked = d.top
			s.do("ack %s %d", d.conn, d.top)
		}
		s.do("run 300ms")
	}
	s.do("run 10s")
	s.stage.shard.Handle(&shard.Query{Kind: shard.QueryLeft})
	answers := s.stage.shard.Effects().Answers
	if left := answers[len(answers)-1].Left; left != (shard.Left{}) {
		s.Fatalf("the drain leaves %+v", left)
	}
	s.stage.apply()
	if s.stage.cfg.Durable && len(s.stage.open) > 0 {
		s.Fatalf("the drain leaves open records %v", s.stage.open)
	}
	s.crash()
}

func (s *tale) crash() {
	for _, d := range s.devices {
		d.conn, d.last = "", ""
	}
	s.crashed = true
	s.do("crash")
}

func (s *tale) push() {
	id := fmt.Sprintf("m%d", len(s.ids))
	m := &told{at: len(s.ids), reliable: true}
	words := "to=" + pick(s, []string{"user:alice", "user:alice", "user:bob", "user:carol", "device:alice/pad", "group:room", "all", "user:alice,user:bob,group:room"})
	switch s.number(0, 9) {
	case 0:
		words, m.over = words+" collapse=k", true
	case 1:
		words, m.any = words+" ack=any", true
	case 2, 3:
		words, m.reliable = words+" class=fast", false
	case 4:
		words += " receipt=" + pick(s, []string{"final", "all"})
	case 5:
		words += " " + pick(s, []string{"platform=phone", "except=device:alice/phone", "except=group:room", "ttl=0"})
	}
	s.pushed[id] = m
	s.ids = append(s.ids, id)
	s.do("push %s %s", id, words)
}

// connect lets a device come, or come again, mostly with what it knows.
func (s *tale) connect(d *actor) {
	if d.id == "" && d.conn != "" {
		s.do("close %s", d.conn) // Nobody knows it for the same.
	}
	s.conns++
	name := fmt.Sprintf("c%d", s.conns)
	words := fmt.Sprintf("connect %s user=%s device=%s platform=%s", name, d.user, d.id, d.platform)
	if d.last != "" && s.number(0, 3) > 0 {
		words += fmt.Sprintf(" resume=%s seq=%d", d.last, d.top)
	}
	top, acked, got := d.top, d.top, d.got
	d.conn, d.last, d.jammed, d.top, d.acked, d.got = name, name, false, 0, 0, map[uint64]string{}
	s.stage.acceptedAs = func(resumed bool) {
		if resumed {
			d.top, d.acked, d.got = top, acked, got
		}
	}
	s.do("%s", words)
}

// lose ends a connection from the device's side: what was last on its way has not
// got there.
func (s *tale) lose(d *actor) {
	d.conn = ""
	if d.top > d.acked {
		d.top = uint64(s.number(int(d.acked), int(d.top)))
	}
	for seq, id := range d.got {
		if seq > d.top {
			delete(d.got, seq)
			delete(d.seen, id)
		}
	}
	d.newest = -1
	for id := range d.seen {
		if m := s.pushed[id]; m.reliable {
			d.newest = max(d.newest, m.at)
		}
	}
}

func (s *tale) actorAt(conn string) *actor {
	i := slices.IndexFunc(s.devices, func(d *actor) bool { return d.conn == conn })
	if i < 0 {
		return nil
	}
	return s.devices[i]
}

func (s *tale) closed(conn string) {
	if d := s.actorAt(conn); d != nil {
		d.conn = ""
	}
}

// delivered holds what a device gets against the order in which it was pushed.
func (s *tale) delivered(conn string, i sdk.Item, m *sdk.Message) {
	d := s.actorAt(conn)
	if d == nil {
		s.Fatalf("%s is given %s and is closed", conn, m.ID)
	}
	if d.jammed {
		s.Fatalf("%s is given %s and is jammed", d, m.ID)
	}
	d.top = max(d.top, i.Seq)
	if d.seen[m.ID] {
		return
	}
	d.seen[m.ID] = true
	if i.Seq > 0 {
		d.got[i.Seq] = m.ID
	}
	at := s.pushed[m.ID].at
	if i.Seq == 0 || d.user == "carol" {
		return // What a session without an id leaves is another receiver's.
	}
	if at < d.newest {
		s.Fatalf("%s gets %s after %s", d, m.ID, s.ids[d.newest])
	}
	d.newest = at
}

// fated holds how a pair ends against what happened.
func (s *tale) fated(f shard.Fated) {
	m := s.pushed[f.Message.ID]
	switch {
	case !m.reliable:
		return
	case f.Fate == envelope.Acked:
		if !slices.ContainsFunc(s.devices, func(d *actor) bool { return d.user == f.User && d.id == f.Device && d.seen[f.Message.ID] }) {
			s.Fatalf("%s counts as acked by %s/%s, which never got it", f.Message.ID, f.User, f.Device)
		}
	case f.Reason == envelope.NoDevice, m.over, m.any && f.Fate == envelope.Withdrawn:
	case f.Reason == envelope.MemoryWait && !s.stage.cfg.Durable:
	case f.Reason == envelope.SessionEnded && f.User == "carol" && f.Device == "":
	case f.Reason == envelope.UserErased:
	default:
		s.Fatalf("%s ends for %s/%s as %v(%v)", f.Message.ID, f.User, f.Device, f.Fate, f.Reason)
	}
}

// checkSafe says that what was reported safe survives the process, and that what is
// stored of a receiver is the beginning of what is pending.
func (s *tale) checkSafe() {
	if !s.stage.cfg.Durable {
		return
	}
	stored := map[pairKey]bool{}
	newest := map[pairKey]uint64{} // stored, by receiver
	s.stage.store.Scan(func(p store.Pair) {
		stored[pairKey{p.User, p.Receiver.Device, p.Order}] = true
		receiver := pairKey{user: p.User, key: p.Receiver.Device}
		newest[receiver] = max(newest[receiver], p.Order)
	})
	s.stage.shard.Census(func(p shard.PairAt) {
		if p.Place == shard.EndedHere || p.Message.Class == sdk.Fast || p.Message.Record == 0 {
			return
		}
		if stored[pairKey{p.User, p.Key, p.Order}] {
			return
		}
		if !s.stage.open[p.Message.Record] {
			s.Fatalf("%s is safe, and only in memory for %s/%q", p.Message.ID, p.User, p.Key)
		}
		if newest[pairKey{user: p.User, key: p.Key}] > p.Order && p.User != "carol" {
			s.Fatalf("%s is not stored for %s/%q, and newer ones are", p.Message.ID, p.User, p.Key)
		}
	})
}

// calm lets all devices come and ack, and then go.
func (s *tale) calm() {
	s.do("store mend")
	s.do("store release")
	s.do("broker back")
	for _, d := range s.devices {
		if d.conn != "" && d.jammed {
			d.jammed = false
			s.do("writable %s", d.conn)
		}
	}
	for round := 0; s.waits() != ""; round++ {
		if round == 60 {
			s.Fatalf("%s", s.waits())
		}
		for _, d := range s.devices {
			if d.conn == "" {
				s.connect(d)
			}
			for acked := uint64(0); d.conn != "" && d.top > acked; {
				acked = d.top
				s.do("ack %s %d", d.conn, d.top)
			}
		}
		s.do("run 1s")
	}
	s.leave()
}

// waits names a pair that has not ended, if it can: a placeholder's filter may let
// nobody pass.
func (s *tale) waits() string {
	for key, id := range s.stage.pending() {
		if key.key != "" {
			return fmt.Sprintf("%s still waits for %s/%q", id, key.user, key.key)
		}
	}
	return ""
}

func (s *tale) leave() {
	for _, d := range s.devices {
		if d.conn != "" {
			s.do("close %s", d.conn)
			d.conn = ""
		}
	}
	s.do("run 61s")
	for _, user := range []string{"alice", "bob", "carol"} {
		s.do("erase %s", user)
	}
	if h := s.stage.shard.Held(); h != (shard.Held{}) {
		s.Fatalf("left behind: %+v", h)
	}
	if len(s.stage.open) > 0 {
		s.Fatalf("records stay open: %v", s.stage.open)
	}
}
