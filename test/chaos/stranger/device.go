package stranger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Config is who a device is and how it behaves.
type Config struct {
	URL          string // tcp://host:port or ws://host:port/path
	User, Device string
	PeerTimeout  time.Duration // how long the node may be silent after a PING
	ReadBuffer   int           // of the kernel, in bytes; 0: as it likes
	BackoffMax   time.Duration // 0: 30 s, as the page says
	Stall        time.Duration // after each ACCEPT, read nothing for so long, but keep the heartbeat
	Random       *rand.Rand    // the device's own

	// Each is called by the goroutine that runs the device. OnPush says whether to ack.
	OnOpen  func(resumed bool, epoch uint64)
	OnPush  func(Push) (ack bool)
	OnMove  func(within time.Duration)
	OnClose func(code uint64, err error)
}

// device is a Config at work: what it keeps of its session.
type device struct {
	Config
	session string
	epoch   uint64
	acks    acks
}

var errForGood = errors.New("stranger: the node wants no reconnect")

// Run connects, and connects anew after every break, until ctx ends or the node says no for good.
func Run(ctx context.Context, cfg Config) error {
	if cfg.BackoffMax == 0 {
		cfg.BackoffMax = 30 * time.Second
	}
	d := &device{Config: cfg}
	const first = 500 * time.Millisecond
	for bound := first; ; bound = min(bound*2, cfg.BackoffMax) {
		accepted, after, err := d.connection(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // Whatever broke, the device was to end.
		}
		if errors.Is(err, errForGood) || errors.Is(err, errFrame) {
			return err
		}
		if accepted {
			bound = first
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(after + time.Duration(d.Random.Int64N(int64(bound)))):
		}
	}
}

// connection is one, from CONNECT to its end. after is how long the node wants the next to wait.
func (d *device) connection(ctx context.Context) (accepted bool, after time.Duration, err error) {
	l, err := dial(ctx, d.URL, d.ReadBuffer)
	if err != nil {
		return false, 0, err
	}
	defer l.close()
	defer context.AfterFunc(ctx, l.close)()
	h := hello{user: d.User, device: d.Device, session: d.session, epoch: d.epoch, lastSeq: d.acks.floor}
	if err := l.write(h.frame()); err != nil {
		return false, 0, err
	}
	kind, f, err := l.read()
	if err != nil {
		return false, 0, err
	}
	if kind == typeReject {
		after, _, err = parting(f)
		return false, after, err
	}
	a, err := parseAccept(f)
	if kind != typeAccept || err != nil || a.user != d.User {
		return false, 0, fmt.Errorf("%w: type %d in answer to CONNECT", errFrame, kind)
	}
	d.accepted(&a)
	c := &conversation{device: d, link: l, heartbeat: time.Duration(a.heartbeatMS) * time.Millisecond}
	err = c.run(ctx)
	d.OnClose(c.code, err)
	return true, c.after, err
}

func (d *device) accepted(a *accept) {
	if !a.resumed {
		d.acks = acks{}
	}
	d.session, d.epoch = a.session, a.epoch
	d.OnOpen(a.resumed, a.epoch)
}

// parting is what a REJECT or CLOSE means for the next connection.
func parting(f *fields) (after time.Duration, code uint64, err error) {
	w, err := parseFarewell(f)
	if err != nil {
		return 0, 0, err
	}
	if w.rule == 1 {
		return 0, w.code, fmt.Errorf("%w: %d %s", errForGood, w.code, w.text)
	}
	return time.Duration(w.afterMS) * time.Millisecond, w.code, nil
}
