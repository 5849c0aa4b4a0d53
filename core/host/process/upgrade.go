package process

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// upgradeTimeout bounds an upgrade once the successor is up.
const upgradeTimeout = 20 * time.Second

// Upgraded says what an upgrade did.
type Upgraded struct {
	Connections uint64        // that were handed over
	Pause       time.Duration // in which nothing was delivered
	From, To    sdk.Info
}

// ErrCannotHandOver is why a plugin's connections cannot move to a successor: it
// is to be drained instead.
var ErrCannotHandOver = errors.New("the plugin cannot hand over its connections")

// Upgrade replaces the process by one that what starts it starts now: the same
// command with the same options, of which the file may be another. sha256 is the
// checksum of that, where the configuration names one; empty: as it says. All
// connections are handed over. If the successor does not come up, nothing has
// happened; if the hand-over fails in the middle, devices reconnect and resume.
func (i *Instance) Upgrade(ctx context.Context, sha256 string) (Upgraded, error) {
	select {
	case i.upgrading <- struct{}{}:
		defer func() { <-i.upgrading }()
	default:
		return Upgraded{}, errUpgrading
	}
	i.mu.Lock()
	old, plugin := i.proc, i.plugin
	i.mu.Unlock()
	if old == nil {
		return Upgraded{}, errDown
	}
	if !hands(old.Info()) {
		return Upgraded{}, ErrCannotHandOver
	}
	next, err := plugin.successor(sha256)
	if err != nil {
		return Upgraded{}, err
	}
	heir, err := next.up(ctx)
	if err != nil {
		return Upgraded{}, err
	}
	u := &upgrade{i: i, old: old, heir: heir, next: next, events: make(chan upgradeEvent, 8*i.loops.Len())}
	done, err := u.run(ctx)
	if err != nil {
		heir.Kill("it did not take over: " + err.Error())
		return Upgraded{}, err
	}
	return done, nil
}

func hands(info sdk.Info) bool {
	for _, c := range info.Capabilities {
		if c == sdk.CapHandover {
			return true
		}
	}
	return false
}

// upgrade is one hand-over under way. Its steps run on the goroutine of Upgrade;
// events come from the loops.
type upgrade struct {
	i      *Instance
	old    *Process
	heir   *Process
	next   *Plugin           // which starts the heir again
	events chan upgradeEvent // room for all
	began  time.Time

	reached [stepBroken]int // how often, by step; of the goroutine of Upgrade
}

// upgradeEvent is what a loop tells.
type upgradeEvent struct {
	what upgradeStep
	err  error
}

// upgradeStep is how far a loop has got.
type upgradeStep uint8

const (
	stepSynced  upgradeStep = iota + 1 // the old process has carried out all it was sent
	stepFrozen                         // and handed over its connections
	stepAdopted                        // the heir goes on with them
	stepBroken
)

func (u *upgrade) run(ctx context.Context) (Upgraded, error) {
	ctx, cancel := context.WithTimeout(ctx, upgradeTimeout)
	defer cancel()
	address, token, err := u.prepare(ctx)
	if err != nil {
		u.each(func(s *seat) { u.abandon(s) })
		return Upgraded{}, err
	}
	u.began = time.Now()
	u.each(func(s *seat) { s.hold(u) })
	// Twice: an Accept that was carried out on one loop has its connection arrive
	// on another with that one's next turn.
	for round := range 2 {
		u.each(func(s *seat) { s.sync(u) })
		if err := u.await(ctx, stepSynced, (round+1)*u.i.loops.Len()); err != nil {
			u.each(func(s *seat) { u.abandon(s) })
			return Upgraded{}, err
		}
	}
	n, err := u.move(ctx, address, token)
	if err != nil {
		u.i.linkBroken(fmt.Errorf("hand over connections: %w", err)) // The process is replaced the hard way.
		return Upgraded{}, err
	}
	return u.finish(n), nil
}

// prepare attaches to the heir, opens its links and has it wait.
func (u *upgrade) prepare(ctx context.Context) (address string, token []byte, err error) {
	i := u.i
	reply, err := u.heir.attachHeir(ctx, i.loops.Len(), i.grace)
	if err != nil {
		return "", nil, err
	}
	if len(reply.GetTokens()) != i.loops.Len() {
		return "", nil, fmt.Errorf("the successor serves %d loops, this node has %d", len(reply.GetTokens()), i.loops.Len())
	}
	incarnation := i.incarnate()
	for k, s := range i.transport.seats {
		c := pluginrpc.LinkConfig{Loop: s.loop, Token: reply.GetTokens()[k], Incarnation: incarnation}
		begin, err := linkOpener(ctx, u.heir, c, reply.GetLinkAddress())
		if err != nil {
			return "", nil, err
		}
		i.on(s.loop, func() {
			s.heir = &heirSeat{seat: s, upgrade: u, prefix: sdk.ConnID(incarnation) << 48}
			s.heir.link, err = begin(s.heir)
		})
		if err != nil {
			return "", nil, err
		}
	}
	took, err := u.heir.Control().TakeOver(ctx, &pluginpb.TakeOverRequest{})
	if err != nil {
		return "", nil, u.heir.failed("did not take over", err)
	}
	if text := took.GetError(); text != "" {
		return "", nil, errors.New(text)
	}
	return took.GetAddress(), took.GetToken(), nil
}

// move freezes every loop of the old process and waits until the heir goes on.
func (u *upgrade) move(ctx context.Context, address string, token []byte) (uint64, error) {
	handed := make(chan error, 1)
	var n uint64
	go func() {
		reply, err := u.old.Control().HandOver(ctx, &pluginpb.HandOverRequest{Address: address, Token: token})
		if err == nil && reply.GetError() != "" {
			err = errors.New(reply.GetError())
		}
		n = reply.GetConnections()
		handed <- err
	}()
	u.each(func(s *seat) { s.freeze(u) })
	if err := <-handed; err != nil {
		return 0, err
	}
	return n, u.await(ctx, stepAdopted, u.i.loops.Len())
}

// finish makes the heir the instance's process.
func (u *upgrade) finish(n uint64) Upgraded {
	i := u.i
	i.mu.Lock()
	i.proc, i.plugin = u.heir, u.next
	listen := i.listen
	i.mu.Unlock()
	if listen != nil {
		i.tellListen(*listen)
	}
	pause := time.Since(u.began)
	if u.heir.findable() && i.grace > 0 {
		if err := u.heir.save(i.loops.Len()); err != nil {
			i.log.Warn("a core that comes after this one will not find the plugin's process", "error", err)
		}
	}
	select {
	case i.replaced <- struct{}{}:
	default: // It has not looked since the last one.
	}
	if err := u.old.Close(time.Now().Add(time.Second)); err != nil {
		i.log.Warn("the process that was replaced did not end in good order", "error", err)
	}
	i.log.Info("the plugin was upgraded", "connections", n, "pause", pause, "from", u.old.Info().Version, "to", u.heir.Info().Version, "pid", u.heir.PID())
	return Upgraded{Connections: n, Pause: pause, From: u.old.Info(), To: u.heir.Info()}
}

func (u *upgrade) each(f func(*seat)) {
	for _, s := range u.i.transport.seats {
		u.i.on(s.loop, func() { f(s) })
	}
}

// await waits until loops have got to a step so often; they need not get there side
// by side.
func (u *upgrade) await(ctx context.Context, step upgradeStep, n int) error {
	for u.reached[step] < n {
		select {
		case e := <-u.events:
			if e.what == stepBroken {
				return e.err
			}
			u.reached[e.what]++
		case <-u.heir.Done():
			return errors.New("the successor has ended: it " + u.heir.ExitText())
		case <-ctx.Done():
			return fmt.Errorf("it took longer than %v", upgradeTimeout)
		}
	}
	return nil
}

func (u *upgrade) tell(what upgradeStep, err error) {
	select {
	case u.events <- upgradeEvent{what, err}:
	default: // Nobody waits any more.
	}
}

// abandon goes on with the old process.
func (u *upgrade) abandon(s *seat) {
	if s.heir != nil && s.heir.link != nil {
		s.heir.link.Close()
	}
	s.heir = nil
	if s.held {
		s.release(nil)
	}
}

// heirSeat owns the link to a process that is to take over. All is the loop's.
type heirSeat struct {
	*seat
	upgrade *upgrade
	link    *pluginrpc.Link
	prefix  sdk.ConnID
}

var _ pluginrpc.Owner = (*heirSeat)(nil)

// Adopted makes the heir's link the seat's.
func (h *heirSeat) Adopted(names []pluginrpc.Renamed) {
	s := h.seat
	renamed := make([]shard.Renamed, len(names))
	now := map[sdk.ConnID]sdk.ConnID{}
	for k, n := range names {
		r := shard.Renamed{From: n.From | s.prefix}
		if n.To != 0 {
			r.To = n.To | h.prefix
		}
		renamed[k] = r
		now[r.From] = r.To
	}
	if s.link != nil {
		s.leaving = true
		s.link.Drain() // What its connections said before they were frozen.
		s.leaving = false
		s.port.Written(s.link.Delivered()) // It was all carried out before the connections were frozen.
		s.link.Close()
	}
	s.link, s.prefix, s.heir = h.link, h.prefix, nil
	s.port.Rename(renamed)
	s.release(now)
	h.upgrade.tell(stepAdopted, nil)
}

// Credit is none until the heir goes on.
func (h *heirSeat) Credit() int {
	if h.seat.heir == h {
		return 0
	}
	return h.seat.Credit()
}

// Written is the seat's, as the batches are.
func (h *heirSeat) Written(batches uint64) { h.seat.Written(batches) }

// Block is the heir's link's, once it is the seat's.
func (h *heirSeat) Block(blocked bool) {
	if h.seat.heir != h {
		h.seat.Block(blocked)
	}
}

// Broken ends the upgrade, or the process that came of it.
func (h *heirSeat) Broken(err error) {
	if h.seat.heir != h {
		h.seat.Broken(err)
		return
	}
	h.link = nil
	h.upgrade.tell(stepBroken, err)
}
