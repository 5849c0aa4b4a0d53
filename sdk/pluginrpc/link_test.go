package pluginrpc

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// ownerLog is a loop that notes what its end of a link tells.
type ownerLog struct {
	events  int
	blocked []bool
	written uint64
	broken  []string
	tables  int
	tasks   []sdk.Task
}

func (o *ownerLog) Credit() int          { return 100 }
func (o *ownerLog) Emit(e []sdk.Event)   { o.events += len(e) }
func (o *ownerLog) Table([]Conn)         { o.tables++ }
func (o *ownerLog) Block(blocked bool)   { o.blocked = append(o.blocked, blocked) }
func (o *ownerLog) Written(batch uint64) { o.written = batch }
func (o *ownerLog) Frozen()              {}
func (o *ownerLog) Adopted([]Renamed)    {}
func (o *ownerLog) Broken(err error)     { o.broken = append(o.broken, err.Error()) }
func (o *ownerLog) Poller() sdk.Poller   { return laterPoller{o} }

// laterPoller keeps tasks.
type laterPoller struct{ o *ownerLog }

func (p laterPoller) Do(t sdk.Task)                            { p.o.tasks = append(p.o.tasks, t) }
func (laterPoller) Watch(int, sdk.Interest, sdk.Watcher) error { return nil }
func (laterPoller) Rewatch(int, sdk.Interest) error            { return nil }
func (laterPoller) Forget(int)                                 {}
func (laterPoller) Timer(time.Duration, sdk.Alarm) sdk.TimerID { return 0 }
func (laterPoller) Cancel(sdk.TimerID)                         {}

func newTestLink() (*Link, *ownerLog) {
	o := &ownerLog{}
	k := newLink(o, 7)
	k.out = streamCarrier{&stream{wake: func() {}}}
	return k, o
}

// TestPluginThatMisbehavesCostsItsLink gives the runtime's end what no plugin that
// keeps to the format sends: it is told once, and nothing that follows is taken.
func TestPluginThatMisbehavesCostsItsLink(t *testing.T) {
	ack := AppendEvent(nil, &sdk.Event{Kind: sdk.EventAck, Conn: 1})
	high := AppendEvent(nil, &sdk.Event{Kind: sdk.EventAck, Conn: 1})
	binary.LittleEndian.PutUint64(high[8:], 1<<48)
	flood := AppendEvent(nil, &sdk.Event{Kind: sdk.EventUplink, Conn: 1, Payload: make([]byte, overrunMax+101)})
	garbage := []byte(strings.Repeat("\x01\x02\x03\x04garbage of twenty-four bytes", 3))
	for name, c := range map[string]struct {
		sent []byte
		says string
	}{
		"garbage":                         {garbage, "malformed"},
		"a body beyond the bound":         {append([]byte{0xff, 0xff, 0xff, 0xff}, ack[4:]...), "at most"},
		"a connection without an id":      {AppendEvent(nil, &sdk.Event{Kind: sdk.EventAck}), "no connection can have"},
		"an id beyond 2^48":               {high, "no connection can have"},
		"far more than its credit":        {flood, "credit"},
		"progress that it cannot have":    {AppendFlushed(nil, Progress{Flushes: 1}), "cannot be"},
		"a table of another length":       {AppendTableEnd(AppendConn(nil, &Conn{Conn: 1}), 2), "another length"},
		"a record for the other side":     {AppendFreeze(nil), "sends no such record"},
		"a record of a broker":            {AppendStatus(nil, true, ""), "sends no such record"},
		"ids of nobody that were adopted": {AppendAdopted(nil, []Renamed{{From: 0, To: 1}}), "no connection can have"},
	} {
		t.Run(name, func(t *testing.T) {
			k, o := newTestLink()
			_, err := k.receive(append(append(append([]byte(nil), ack...), c.sent...), ack...))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("the link says %v, want %q", err, c.says)
			}
			if o.events != 1 {
				t.Errorf("%d events were taken, want the one before", o.events)
			}
			k.broken(err)
			k.broken(err)
			if n, _ := k.receive(ack); n != 0 || o.events != 1 || len(o.broken) != 1 {
				t.Errorf("after the end %d bytes are taken, %d events, told %d times", n, o.events, len(o.broken))
			}
		})
	}
}

func TestPluginThatIsBehindBlocksItsInstanceAndIsGivenUpInTheEnd(t *testing.T) {
	k, o := newTestLink()
	batch := &sdk.Batch{Messages: []sdk.Message{{Payload: make([]byte, 1<<20)}}, Items: []sdk.Item{{Conn: 1}}}
	give := func(n int) {
		for range n {
			k.Deliver(batch)
			k.Flush()
		}
	}
	give(linkMax >> 21)
	give(1)
	if len(o.blocked) != 1 || !o.blocked[0] || o.written != 0 {
		t.Fatalf("at half of the bound: blocked %v, written %d", o.blocked, o.written)
	}
	if _, err := k.receive(AppendFlushed(nil, Progress{Flushes: k.flushes, Bytes: k.sent})); err != nil {
		t.Fatal(err)
	}
	if len(o.blocked) != 2 || o.blocked[1] || o.written != k.Delivered() {
		t.Fatalf("when all was taken: blocked %v, written %d of %d", o.blocked, o.written, k.Delivered())
	}
	give(linkMax>>20 + 1)
	if len(o.broken) != 1 || !strings.Contains(o.broken[0], "stuck") {
		t.Fatalf("beyond the bound: %v", o.broken)
	}
}

func TestBarrierIsReachedWhenAllBeforeItWasCarriedOut(t *testing.T) {
	k, _ := newTestLink()
	reached := 0
	k.Command([]sdk.Command{{Kind: sdk.CommandPause, Conn: 1}})
	k.Barrier(func() { reached++ })
	k.Barrier(func() { reached += 10 })
	for _, want := range []int{0, 1, 11} {
		if reached != want {
			t.Fatalf("reached %d, want %d", reached, want)
		}
		if _, err := k.receive(AppendFlushed(nil, Progress{Flushes: k.progress.Flushes + 1, Bytes: k.progress.Bytes})); err != nil && want < 11 {
			t.Fatal(err)
		}
	}
}

// TestIncarnationStandsAboveIDs: a late answer for a process that has ended meets no
// connection of its successor.
func TestIncarnationStandsAboveIDs(t *testing.T) {
	k, _ := newTestLink()
	seen := &seenEvents{ownerLog: &ownerLog{}}
	k.owner = seen
	if _, err := k.receive(AppendEvent(nil, &sdk.Event{Kind: sdk.EventAck, Conn: 5})); err != nil {
		t.Fatal(err)
	}
	if want := sdk.ConnID(7)<<48 | 5; len(seen.ids) != 1 || seen.ids[0] != want {
		t.Fatalf("ids %x, want %x", seen.ids, want)
	}
	k.Command([]sdk.Command{{Kind: sdk.CommandPause, Conn: seen.ids[0]}})
	r, _, err := Next(k.turn)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := r.Command(); err != nil || c.Conn != 5 {
		t.Errorf("the plugin is told of connection %x (%v), want its own 5", c.Conn, err)
	}
}

// seenEvents keeps the ids of events.
type seenEvents struct {
	*ownerLog
	ids []sdk.ConnID
}

func (s *seenEvents) Emit(e []sdk.Event) {
	for i := range e {
		s.ids = append(s.ids, e[i].Conn)
	}
}
