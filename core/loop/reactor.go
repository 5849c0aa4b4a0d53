package loop

import (
	"errors"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// reactor is the sdk.Poller of a loop: the table of watched descriptors, the
// timers and the tasks of all transports.
type reactor struct {
	loop  sdk.Loop // immutable
	poll  poller
	tasks *inbox[sdk.Task] // any goroutine → loop

	// Everything following is owned by the loop.
	descriptors descriptors
	timers      timers
	ready       []readiness // of this turn
}

var _ sdk.Poller = (*reactor)(nil)

// Watch implements sdk.Poller.
func (r *reactor) Watch(fd int, i sdk.Interest, w sdk.Watcher) error {
	if fd < 0 || w == nil {
		return fmt.Errorf("watch descriptor %d: %w", fd, errors.ErrUnsupported)
	}
	d := r.descriptors.at(fd)
	generation := d.generation + 1
	if err := r.poll.add(fd, i, generation); err != nil {
		return err
	}
	*d = descriptor{watcher: w, generation: generation, interest: i}
	return nil
}

// Rewatch implements sdk.Poller.
func (r *reactor) Rewatch(fd int, i sdk.Interest) error {
	d := r.descriptors.find(fd)
	if d == nil {
		return fmt.Errorf("watch descriptor %d again: it is not watched", fd)
	}
	if d.interest == i {
		return nil
	}
	if err := r.poll.modify(fd, i, d.generation); err != nil {
		return err
	}
	d.interest = i
	return nil
}

// Forget implements sdk.Poller.
func (r *reactor) Forget(fd int) {
	if d := r.descriptors.find(fd); d != nil {
		r.poll.remove(fd)
		d.watcher = nil
	}
}

// Timer implements sdk.Poller.
func (r *reactor) Timer(d time.Duration, a sdk.Alarm) sdk.TimerID {
	return r.timers.set(d, a)
}

// Cancel implements sdk.Poller.
func (r *reactor) Cancel(t sdk.TimerID) {
	r.timers.cancel(t)
}

// Do implements sdk.Poller.
func (r *reactor) Do(t sdk.Task) { r.tasks.putOne(t, true) }

// react tells watchers what is ready. Each is looked up anew, for one called
// before may have forgotten it, or closed it and opened another under its number.
func (r *reactor) react() {
	for _, e := range r.ready {
		d := r.descriptors.find(int(e.fd))
		if d == nil || d.generation != e.generation {
			continue
		}
		interest := e.interest & d.interest
		if e.hungUp {
			interest |= sdk.Readable
		}
		if interest != 0 {
			d.watcher.Ready(r.loop, interest)
		}
	}
	r.ready = r.ready[:0]
}

// runTasks runs the tasks that were there when it began; those they add run in
// the next turn.
func (r *reactor) runTasks() {
	r.tasks.more()
	for n := len(r.tasks.taken) - r.tasks.next; n > 0; n-- {
		r.tasks.take().Run(r.loop)
	}
}
