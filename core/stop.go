package core

import (
	"context"
	"errors"
	"time"
)

// Stop ends the node in good order: it drains (see Drain), unless that was done
// before, and closes everything. When ctx ends nothing is waited for any more, but
// what closing itself takes.
func (r *Runtime) Stop(ctx context.Context) error {
	r.startDrain()
	stop := context.AfterFunc(ctx, r.draining.hurry)
	<-r.draining.done
	stop()
	return errors.Join(r.draining.err, r.close(ctx))
}

// closeTime is what closing gets even when ctx has ended.
const closeTime = 5 * time.Second

// closeDeadline is ctx's, but never so near that nothing could be closed.
func closeDeadline(ctx context.Context) time.Time {
	least := time.Now().Add(closeTime)
	if d, ok := ctx.Deadline(); ok && d.After(least) {
		return d
	}
	return least
}

// httpTime is how long requests under way may hold up the end: those that wait for
// the node have been answered by then, the others wait for their callers.
const httpTime = 2 * time.Second

// close ends what is left when the plugins are closed, what takes from others
// before those that it takes from.
func (r *Runtime) close(ctx context.Context) error {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), closeDeadline(ctx))
	defer cancel()
	r.closeHTTP(ctx)
	r.dispatcher.Close()
	r.auth.Close()
	return errors.Join(r.closeStore(ctx), r.loops.Stop(ctx))
}

// closeStore leaves a store behind whose disk does not answer until ctx ends; the
// process is about to end, and what was answered is safe.
func (r *Runtime) closeStore(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- r.store.Close() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("the store does not close: its disk does not answer")
	}
}

func (r *Runtime) closeHTTP(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, httpTime)
	defer cancel()
	_ = sideBySide(len(r.listeners), func(i int) error {
		r.listeners[i].Close(ctx)
		return nil
	})
}
