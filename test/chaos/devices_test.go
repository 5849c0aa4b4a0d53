package chaos

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/test/chaos/check"
	"github.com/pushcore/pushcore/test/chaos/stranger"
)

// devices is the inside of a fleet's process.
type devices struct {
	cfg    fleetConfig
	log    *check.Log
	ctx    context.Context
	wait   sync.WaitGroup
	failed atomic.Pointer[string]

	connected, handled, resumed, moved, lost atomic.Int64
}

// statsEvery is how often the process tells what it has.
const statsEvery = 100 * time.Millisecond

// fleetMain is the process. It ends with its standard input.
func fleetMain(file string) int {
	d := &devices{}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &d.cfg)
	}
	if err == nil {
		d.log, err = check.NewLog(d.cfg.Log)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		return 1
	}
	var stop context.CancelFunc
	d.ctx, stop = context.WithCancel(context.Background())
	d.wait.Go(d.tell)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() { // The only command is to connect.
		for i := range d.cfg.Users {
			d.wait.Go(func() { d.device(i) })
		}
	}
	stop()
	d.wait.Wait()
	if err := d.log.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		return 1
	}
	return 0
}

// tell writes statistics to standard output, the last at the end.
func (d *devices) tell() {
	ticker := time.NewTicker(statsEvery)
	defer ticker.Stop()
	out := json.NewEncoder(os.Stdout)
	for {
		s := fleetStats{Connected: d.connected.Load(), Handled: d.handled.Load(), Resumed: d.resumed.Load(), Moved: d.moved.Load(), Lost: d.lost.Load()}
		if why := d.failed.Load(); why != nil {
			s.Failed = *why
		}
		_ = out.Encode(s)
		select {
		case <-ticker.C:
		case <-d.ctx.Done():
			return
		}
	}
}

// one is a device and what it notes.
type one struct {
	*devices
	user   string
	conns  atomic.Int64
	isOpen bool
	seen   map[string]bool // ids, of a stranger
}

const deviceName = "d"

func (d *devices) device(i int) {
	random := rand.New(rand.NewPCG(d.cfg.Seed, uint64(i)))
	if d.cfg.ConnectWithin > 0 {
		select {
		case <-time.After(time.Duration(random.Int64N(int64(d.cfg.ConnectWithin)))):
		case <-d.ctx.Done():
			return
		}
	}
	o := &one{devices: d, user: userName(d.cfg.First + i), seen: map[string]bool{}}
	url := d.cfg.URLs[i%len(d.cfg.URLs)]
	var err error
	if d.cfg.Stall > 0 || d.cfg.AckLoss > 0 || (d.cfg.EachStranger > 0 && i/len(d.cfg.URLs)%d.cfg.EachStranger == 0) {
		err = o.stranger(url, random)
	} else {
		err = o.client(url)
	}
	if err != nil {
		why := o.user + ": " + err.Error()
		d.failed.CompareAndSwap(nil, &why)
	}
}

func (o *one) conn() string { return o.user + "#" + strconv.FormatInt(o.conns.Load(), 10) }

func (o *one) event(kind string, fields ...string) {
	o.log.Event(kind, append([]string{o.conn(), o.user, deviceName}, fields...)...)
}

func (o *one) opened(resumed bool, epoch string) {
	o.conns.Add(1)
	o.event("open", strconv.FormatBool(resumed), epoch)
	o.isOpen = true
	o.connected.Add(1)
	if resumed {
		o.resumed.Add(1)
	}
}

func (o *one) closed(why string) {
	if o.isOpen {
		o.isOpen = false
		o.connected.Add(-1)
		if o.ctx.Err() == nil {
			o.lost.Add(1)
		}
		o.event("close", why)
	}
}

// client runs sdk/client until the process ends.
func (o *one) client(url string) error {
	ended := make(chan error, 1)
	c, err := client.New(client.Config{
		URLs: []string{url}, User: o.user, Device: deviceName, AckDelay: 2 * time.Millisecond, PeerTimeout: o.cfg.PeerTimeout,
		Handler: func(_ context.Context, m client.Message) error {
			o.event("push", strconv.FormatUint(m.Seq, 10), m.ID, strconv.Quote(string(m.Payload)))
			o.event("ack", strconv.FormatUint(m.Seq, 10), m.ID)
			o.handled.Add(1)
			return nil
		},
		OnState: func(s client.State) {
			switch s.Phase {
			case client.Connected:
				o.opened(s.Resumed, "-")
			case client.Disconnected:
				o.closed(tidy(s.Err))
			case client.Ended:
				o.closed(tidy(s.Err))
				ended <- s.Err
			}
		},
	})
	if err != nil {
		return err
	}
	select {
	case <-o.ctx.Done():
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = c.Close(ctx)
		return nil
	case err := <-ended:
		return err
	}
}

// stranger runs the other device.
func (o *one) stranger(url string, random *rand.Rand) error {
	cfg := stranger.Config{
		URL: url, User: o.user, Device: deviceName, PeerTimeout: cmp.Or(o.cfg.PeerTimeout, 10*time.Second),
		Stall: o.cfg.Stall, Random: random,
		OnOpen: func(resumed bool, epoch uint64) { o.opened(resumed, strconv.FormatUint(epoch, 10)) },
		OnPush: func(p stranger.Push) bool { return o.pushed(p, random) },
		OnMove: func(within time.Duration) {
			o.moved.Add(1)
			o.event("move", within.String())
		},
		OnClose: func(code uint64, err error) { o.closed(strconv.FormatUint(code, 10) + " " + tidy(err)) },
	}
	if o.cfg.Stall > 0 {
		cfg.ReadBuffer = 32 << 10
	}
	return stranger.Run(o.ctx, cfg)
}

func (o *one) pushed(p stranger.Push, random *rand.Rand) bool {
	seq := strconv.FormatUint(p.Seq, 10)
	o.event("push", seq, p.ID, strconv.Quote(p.Payload))
	if !o.seen[p.ID] {
		o.seen[p.ID] = true
		o.handled.Add(1)
	}
	if random.IntN(100) < o.cfg.AckLoss {
		o.event("mute", seq, p.ID)
		return false
	}
	o.event("ack", seq, p.ID)
	return true
}

// tidy is an error as a field of a log.
func tidy(err error) string {
	if err == nil {
		return "-"
	}
	return strconv.Quote(err.Error())
}
