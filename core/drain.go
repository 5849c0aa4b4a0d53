package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk/wire"
)

// drain is a node's way to where nothing is left of its work: no device, nothing
// that is not stored or settled, no connection to a broker. It happens once, as
// part of Stop or before it.
type drain struct {
	once  sync.Once
	hurry context.CancelFunc // ends all waiting; set when once is done
	done  chan struct{}      // closed at the end
	err   error              // of closing plugins; to be read when done is closed
}

// startDrain begins it, unless it has begun: from its return on the node is not
// ready.
func (r *Runtime) startDrain() {
	r.draining.once.Do(func() {
		r.ready.Store(false)
		timeout := time.Duration(r.prepared.cfg.Node.Drain.Timeout)
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		r.draining.hurry = cancel
		go r.drain(ctx, timeout)
	})
}

// Drain implements admin.Node: it lets the node do all of Stop but end. Devices go
// elsewhere, brokers bring their records to other nodes, and the process only says
// that it is not ready. There is no way back: a drained node is stopped.
func (r *Runtime) Drain(ctx context.Context) (admin.Drain, error) {
	if !r.started.Load() {
		return admin.Drain{}, errStarting
	}
	if r.leaving.Load() {
		return admin.Drain{}, errDraining
	}
	r.startDrain()
	select {
	case <-r.draining.done:
		return admin.Drain{State: admin.Drained}, nil
	default:
	}
	left, err := r.left(ctx)
	return admin.Drain{State: admin.Draining, Devices: sumLeft(left).Attached}, err
}

// errStarting is why a node cannot be drained yet.
var errStarting = errors.New("the node is starting")

// drain empties the node, within about timeout, faster when ctx ends. What takes
// in stops first, then who is here leaves, then what they leave behind is stored
// and settled with the brokers, which are there until the end.
func (r *Runtime) drain(ctx context.Context, timeout time.Duration) {
	defer close(r.draining.done)
	defer r.draining.hurry()
	r.dispatcher.StopIngress()
	for _, t := range r.transports {
		t.StopListening()
	}
	r.sendAway(ctx, timeout)
	err := r.closeTransports(closeDeadline(ctx))
	r.settle(ctx)
	r.fates.close(min(noticeTime, time.Until(closeDeadline(ctx))))
	r.draining.err = errors.Join(err, r.closeBrokers(closeDeadline(ctx)))
	r.log.Info("drained: nothing is left to do")
}

// sendAway lets no device in any more and has those who are here leave, at the
// configured rate if time allows.
func (r *Runtime) sendAway(ctx context.Context, timeout time.Duration) {
	r.tellAll(&shard.Drain{Code: uint16(wire.CodeDraining)})
	left, err := r.left(ctx)
	if err != nil {
		return // Time is up: the transports are closed.
	}
	set := r.prepared.cfg.Node.Drain.Rate.PerSecond()
	moves, rate := shard.PlanMoves(attached(left), set, timeout)
	sum := sumLeft(left)
	if rate > set {
		r.log.Warn("draining faster than node.drain.rate, to be done within node.drain.timeout", "devices", sum.Attached, "rate", rate, "set", set)
	} else {
		r.log.Info("draining", "devices", sum.Attached, "rate", rate)
	}
	for i := range moves {
		r.answer(i, &moves[i])
	}
	// Moving and waiting for stragglers end by themselves, at 19/20 of the time.
	moving, cancel := context.WithTimeout(ctx, timeout*24/25)
	defer cancel()
	if sum = r.untilLeft(moving, func(l shard.Left) bool { return l.Sessions == 0 }); sum.Sessions > 0 {
		r.log.Warn("devices that have not left in time are closed", "devices", sum.Attached)
		r.tellAll(&shard.Move{})
	}
}

// noticeTime is how long a stop waits for brokers to take receipts and letters.
const noticeTime = 2 * time.Second

// settle waits until the store has answered, and takes to the brokers what that
// settles.
func (r *Runtime) settle(ctx context.Context) {
	patience := time.Now().Add(noticeTime)
	left := r.untilLeft(ctx, func(l shard.Left) bool {
		return l.Sessions == 0 && l.Storing == 0 && (l.Notices == 0 || time.Now().After(patience))
	})
	if left.Storing > 0 {
		r.log.Warn("not everything was stored in time; brokers bring again what was not", "operations", left.Storing)
	}
	r.untilKept(ctx)
}

// untilKept waits until the ids of all that is safe are kept and the dispatcher has
// handed over the settlements. The shards' reports came before their answers, so it
// knows of all of them. If it does not answer, time is up.
func (r *Runtime) untilKept(ctx context.Context) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		stats, err := r.dispatcher.Stats(ctx)
		keeping := 0
		for i := range stats.Instances {
			keeping += stats.Instances[i].Keeping
		}
		if err != nil || keeping == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// tellAll gives every shard an input.
func (r *Runtime) tellAll(in interface{ ShardInput() }) {
	for i := range r.loops.Len() {
		r.answer(i, in)
	}
}

// left asks the shards what a stop waits for; the answers stand by loop.
func (r *Runtime) left(ctx context.Context) ([]shard.Left, error) {
	answers, err := r.queries.all(ctx, shard.Query{Kind: shard.QueryLeft})
	left := make([]shard.Left, r.loops.Len())
	for _, a := range answers {
		left[a.Loop] = a.Left
	}
	return left, err
}

// untilLeft asks again and again until what is left is as it should be, or ctx
// ends. It returns what was left last.
func (r *Runtime) untilLeft(ctx context.Context, enough func(shard.Left) bool) (sum shard.Left) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		left, err := r.left(ctx)
		if err != nil {
			return sum
		}
		if sum = sumLeft(left); enough(sum) {
			return sum
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return sum
		}
	}
}

func sumLeft(left []shard.Left) (sum shard.Left) {
	for _, l := range left {
		sum.Add(l)
	}
	return sum
}

func attached(left []shard.Left) (n []int) {
	for _, l := range left {
		n = append(n, l.Attached)
	}
	return n
}

// closeTransports closes them side by side.
func (r *Runtime) closeTransports(deadline time.Time) error {
	return sideBySide(len(r.transports), func(i int) error {
		if err := r.transports[i].Close(deadline); err != nil {
			return fmt.Errorf("plugins.%s: %w", r.transportNames[i], err)
		}
		return nil
	})
}

// closeBrokers closes them side by side: what they were told to settle and to
// publish goes out before.
func (r *Runtime) closeBrokers(deadline time.Time) error {
	return sideBySide(len(r.brokers), func(i int) error {
		if err := r.brokers[i].Close(deadline); err != nil {
			return fmt.Errorf("plugins.%s: %w", r.prepared.mqs[i].name, err)
		}
		return nil
	})
}

// sideBySide does n things at once and gathers their errors.
func sideBySide(n int, do func(i int) error) error {
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { errs[i] = do(i) })
	}
	wait.Wait()
	return errors.Join(errs...)
}
