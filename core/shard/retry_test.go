package shard

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/ack"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// retryStep is how far time goes from turn to turn: a resend may be late by it.
const retryStep = 20 * time.Millisecond

// forgetful is a shard whose devices drop acks, in virtual time. Each message is
// acked by itself, so that no later ack makes good for one that was dropped.
type forgetful struct {
	*Shard
	t       *testing.T
	random  *rand.Rand
	delays  []time.Duration
	now     Now
	record  envelope.RecordID
	conns   sdk.ConnID
	devices []*forgetfulDevice
	byConn  map[sdk.ConnID]*forgetfulDevice

	resends, closes, jams int
}

type forgetfulDevice struct {
	user   string
	conn   sdk.ConnID // 0: none
	accept *sdk.Accept
	jammed bool
	until  time.Duration // jammed until then

	ran   time.Duration // for how long this connection was not jammed
	sends map[uint64][]time.Duration
	acked map[uint64]bool
}

func newForgetful(t *testing.T, seed uint64, devices int) *forgetful {
	f := &forgetful{t: t, random: rand.New(rand.NewPCG(seed, 0)), now: Now{Wall: time.Unix(1e9, 0)}, byConn: map[sdk.ConnID]*forgetfulDevice{}}
	retry := ack.DefaultConfig()
	f.delays = retry.Delays
	var err error
	f.Shard, err = New(Config{Plugins: []string{"one"}, Owner: func(string) int { return 0 }, Durable: true, Seed: seed, Ack: retry})
	if err != nil {
		t.Fatal(err)
	}
	for i := range devices {
		f.devices = append(f.devices, &forgetfulDevice{user: fmt.Sprint("u", i)})
	}
	return f
}

// step is a turn, in the order of the loop's.
func (f *forgetful) step(push bool) {
	f.now.Mono += retryStep
	f.now.Wall = f.now.Wall.Add(retryStep)
	f.Begin(f.now)
	for _, d := range f.devices {
		f.lives(d)
	}
	if push {
		f.push(f.devices[f.random.IntN(len(f.devices))])
	}
	f.Tick()
	for f.Serve(1 << 20) {
	}
	f.apply()
	f.Flushed()
	f.Reset()
}

// lives connects a device that is not, and lets its connection jam at times.
func (f *forgetful) lives(d *forgetfulDevice) {
	switch {
	case d.conn == 0:
		f.connect(d)
	case d.jammed && f.now.Mono >= d.until:
		d.jammed = false
		f.Events(0, []sdk.Event{{Kind: sdk.EventWritable, Conn: d.conn}})
	case !d.jammed:
		d.ran += retryStep
		if f.random.IntN(500) == 0 {
			f.jams++
			d.jammed, d.until = true, f.now.Mono+time.Duration(f.random.IntN(5000))*time.Millisecond
			f.Events(0, []sdk.Event{{Kind: sdk.EventCongested, Conn: d.conn, Queued: 1}})
		}
	}
}

func (f *forgetful) connect(d *forgetfulDevice) {
	f.conns++
	connect := &sdk.Connect{}
	if d.accept != nil {
		connect.Resume = &sdk.Resume{Token: d.accept.Token, Epoch: d.accept.Epoch}
	}
	f.Events(0, []sdk.Event{{Kind: sdk.EventConnect, Conn: f.conns, Connect: connect}})
	f.Handle(&AuthResult{Conn: f.conns, User: d.user, Device: "d"})
	f.byConn[f.conns] = d
	d.conn, d.jammed, d.ran, d.sends = f.conns, false, 0, map[uint64][]time.Duration{}
	if d.acked == nil {
		d.acked = map[uint64]bool{}
	}
	f.Events(0, []sdk.Event{{Kind: sdk.EventAttached, Conn: f.conns}})
}

func (f *forgetful) push(d *forgetfulDevice) {
	f.record++
	m := &envelope.Message{ID: fmt.Sprint("m", f.record), Scope: "orders", To: []wire.Address{{Kind: wire.User, ID: d.user}}, Payload: make([]byte, 100),
		Record: f.record, AcceptedAt: f.now.Wall, ExpiresAt: f.now.Wall.Add(24 * time.Hour), StoreAfter: 24 * time.Hour}
	f.Handle(&envelope.Deliver{Message: m, To: []uint16{0}})
}

// apply plays transport and store for what the turn has led to.
func (f *forgetful) apply() {
	p := &f.Effects().Plugins[0]
	for _, c := range slices.Concat(p.Commands, p.Closing) {
		d := f.byConn[c.Conn]
		switch c.Kind {
		case sdk.CommandAccept:
			d.accept = c.Accept
		case sdk.CommandClose:
			f.closes++
			if n := f.longest(d); n != 1+len(f.delays) {
				f.t.Errorf("%v: %s was closed after at most %d deliveries of a message", f.now.Mono, d.user, n)
			}
			d.conn = 0
		}
	}
	for i := range p.Batch.Items {
		f.delivered(&p.Batch.Items[i])
	}
	for i := range f.Effects().Store {
		op := &f.Effects().Store[i]
		f.stored(&store.Answer{Kind: op.Kind, Token: op.Token, User: op.User})
	}
}

// longest is the most deliveries of one message on the connection.
func (f *forgetful) longest(d *forgetfulDevice) (n int) {
	for _, sends := range d.sends {
		n = max(n, len(sends))
	}
	return n
}

// delivered holds a delivery against the promise, and acks it or not.
func (f *forgetful) delivered(item *sdk.Item) {
	d := f.byConn[item.Conn]
	if d.conn != item.Conn || d.jammed {
		f.t.Errorf("%v: a delivery for %s, whose connection is jammed or gone", f.now.Mono, d.user)
		return
	}
	if d.acked[item.Seq] {
		f.t.Errorf("%v: %s gets #%d again after its ack", f.now.Mono, d.user, item.Seq)
	}
	sends := append(d.sends[item.Seq], d.ran)
	d.sends[item.Seq] = sends
	if n := len(sends); n > 1+len(f.delays) {
		f.t.Errorf("%v: delivery %d of #%d to %s on one connection", f.now.Mono, n, item.Seq, d.user)
	} else if n > 1 {
		f.resends++
		f.punctual(d, item.Seq, n-1, sends[n-1]-sends[n-2])
	}
	if f.random.Float64() < 0.7 {
		d.acked[item.Seq] = true
		f.Events(0, []sdk.Event{{Kind: sdk.EventAck, Conn: d.conn, Ranges: []sdk.SeqRange{{First: item.Seq, Last: item.Seq}}}})
	}
}

// punctual holds the wait before the n-th resend against the schedule: within a
// tenth of it, and no more late than a turn and a tick of the wheel. Time in which
// the connection was jammed does not count.
func (f *forgetful) punctual(d *forgetfulDevice, seq uint64, n int, waited time.Duration) {
	want := f.delays[n-1]
	if early, late := want-want/10-retryStep, want+want/10+tick+retryStep; waited < early || waited > late {
		f.t.Errorf("%v: resend %d of #%d to %s came after %v, want %v within a tenth", f.now.Mono, n, seq, d.user, waited, want)
	}
}

func TestDroppedAcksLeadToResendsBySchedule(t *testing.T) {
	const devices, pushes = 20, 3000
	for seed := range uint64(4) {
		f := newForgetful(t, seed, devices)
		for range pushes {
			f.step(true)
		}
		for range 3 * time.Minute / retryStep {
			f.step(false)
		}
		acked := 0
		for _, d := range f.devices {
			acked += len(d.acked)
		}
		if acked != pushes {
			t.Errorf("seed %d: %d of %d messages are acked", seed, acked, pushes)
		}
		if f.resends < pushes/5 || f.jams == 0 {
			t.Errorf("seed %d: only %d resends and %d jams: nothing was tried", seed, f.resends, f.jams)
		}
		if b := f.Books(); b.Owed != pushes || b.Ended() != pushes {
			t.Errorf("seed %d: %d owed, %d ended", seed, b.Owed, b.Ended())
		}
		t.Logf("seed %d: %d messages, %d resends, %d jams, %d connections given up", seed, pushes, f.resends, f.jams, f.closes)
		if t.Failed() {
			return
		}
	}
}
