package node

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// retryWaits are the waits of dropsAcks, retrySchedule as the node is told.
var retryWaits = []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond}

const retrySchedule = "[200ms, 400ms, 800ms, 1600ms]"

// dropsAcks is a device that acks each message by itself and drops some of the acks.
type dropsAcks struct {
	*device
	random *rand.Rand
	sends  map[uint64][]time.Time // deliveries, by number
	acked  map[uint64]time.Time
	base   uint64      // all up to it are acked
	closed atomic.Bool // given up by the node
	faults []string
	waited [][]float64 // by resend: the wait as a multiple of the schedule's
}

// run takes what comes until there is nothing more.
func (d *dropsAcks) run() {
	for f := range d.frames {
		switch f := f.(type) {
		case *wire.Push:
			d.takes(f.Seq, time.Now())
		case *wire.Close:
			if f.Code != wire.CodeNoAck {
				d.faults = append(d.faults, fmt.Sprintf("closed with %s: %s", f.Code, f.Text))
			}
			d.closed.Store(true)
			return
		}
	}
}

func (d *dropsAcks) takes(seq uint64, now time.Time) {
	sends := append(d.sends[seq], now)
	d.sends[seq] = sends
	if n := len(sends); n > 1+len(retryWaits) {
		d.faults = append(d.faults, fmt.Sprintf("delivery %d of #%d", n, seq))
	} else if n > 1 {
		d.waited[n-2] = append(d.waited[n-2], sends[n-1].Sub(sends[n-2]).Seconds()/retryWaits[n-2].Seconds())
	}
	// What was on the way when the ack was sent may cross it.
	if at, found := d.acked[seq]; found && now.Sub(at) > retryWaits[0]/2 {
		d.faults = append(d.faults, fmt.Sprintf("#%d came %v after its ack", seq, now.Sub(at)))
	}
	if d.random.Float64() < 0.7 {
		d.acked[seq] = now
		d.ack(seq)
	}
}

// ack acks one message, and all up to the first whose ack was dropped.
func (d *dropsAcks) ack(seq uint64) {
	for !d.acked[d.base+1].IsZero() {
		d.base++
	}
	a := &wire.Ack{Seq: d.base}
	if seq > d.base {
		a.Ranges = []wire.SeqRange{{First: seq, Last: seq}}
	}
	d.send(a)
}

// TestDevicesThatDropAcksGetNoMoreThanTheSchedule holds a node on real sockets
// against the retry promise and logs how punctual it was. That the waits keep to
// the schedule is asserted in virtual time, by core/shard.
func TestDevicesThatDropAcksGetNoMoreThanTheSchedule(t *testing.T) {
	n := start(t, "node: { loops: 2, drain: { timeout: 10s } }\ndelivery: { retry: "+retrySchedule+" }\nhttp: { listen: 127.0.0.1:0 }"+plugins)
	const devices, messages = 40, 50
	var all []*dropsAcks
	var running sync.WaitGroup
	for i := range devices {
		d := &dropsAcks{device: n.user(fmt.Sprint("u", i), "d"), random: rand.New(rand.NewPCG(1, uint64(i))),
			sends: map[uint64][]time.Time{}, acked: map[uint64]time.Time{}, waited: make([][]float64, len(retryWaits))}
		all = append(all, d)
		running.Go(d.run)
	}
	line := make([]string, devices)
	for i := range line {
		line[i] = fmt.Sprintf(`{"to":"user:u%d","payload":"x"}`+"\n", i)
	}
	for range messages {
		if status, answer := n.call(http.MethodPost, "/v1/push/batch", strings.Join(line, "")); status != http.StatusOK {
			t.Fatalf("push: %d %s", status, answer)
		}
	}
	left := 0
	n.until("all to be acked but for whom the node gave up", func() bool {
		acked, _ := strconv.Atoi(n.metric(`pushcore_fates_total{class="reliable",fate="acked",reason=""}`))
		left = devices*messages - acked
		for _, d := range all {
			if d.closed.Load() {
				left -= messages
			}
		}
		return left <= 0
	}, func() string { return fmt.Sprint(left, " are left") })
	for _, d := range all {
		d.cut()
	}
	running.Wait()
	waited, deliveries := make([][]float64, len(retryWaits)), 0
	for i, d := range all {
		for _, fault := range d.faults {
			t.Errorf("device %d: %s", i, fault)
		}
		for _, sends := range d.sends {
			deliveries += len(sends)
		}
		for resend, some := range d.waited {
			waited[resend] = append(waited[resend], some...)
		}
	}
	if deliveries < devices*messages || len(waited[0]) < devices*messages/10 {
		t.Errorf("only %d deliveries of %d messages", deliveries, devices*messages)
	}
	t.Logf("%d deliveries of %d messages", deliveries, devices*messages)
	for i, some := range waited {
		if slices.Sort(some); len(some) > 0 {
			t.Logf("resend %d: %d times, after %.3f to %.3f of %v, median %.3f", i+1, len(some), some[0], some[len(some)-1], retryWaits[i], some[len(some)/2])
		}
	}
}
