package pluginrpc

import (
	"container/heap"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// reactor is the sdk.Poller of a loop on the plugin's side.
type reactor struct {
	loop sdk.Loop
	poll *poll

	mu    sync.Mutex // guards tasks
	tasks []sdk.Task

	// Everything following is owned by the loop.
	now      time.Time
	watchers []watched // by descriptor
	ready    []readiness
	timers   timerHeap
	set      map[sdk.TimerID]*timer
	nextID   sdk.TimerID
}

var _ sdk.Poller = (*reactor)(nil)

// watched is a descriptor that a watcher wants to hear of; none has no watcher.
type watched struct {
	watcher  sdk.Watcher
	interest sdk.Interest
}

// readiness is what the poll says of one descriptor. Forget makes fd negative.
type readiness struct {
	fd       int
	interest sdk.Interest
	hungUp   bool
}

func newReactor(l sdk.Loop) (*reactor, error) {
	p, err := newPoll()
	if err != nil {
		return nil, err
	}
	return &reactor{loop: l, poll: p, now: time.Now(), set: map[sdk.TimerID]*timer{}}, nil
}

func (r *reactor) Watch(fd int, i sdk.Interest, w sdk.Watcher) error {
	if fd < 0 || w == nil || r.watched(fd) != nil {
		return fmt.Errorf("watch descriptor %d: %w", fd, errors.ErrUnsupported)
	}
	if err := r.poll.add(fd, i); err != nil {
		return fmt.Errorf("watch descriptor %d: %w", fd, err)
	}
	for fd >= len(r.watchers) {
		r.watchers = append(r.watchers, make([]watched, max(len(r.watchers), 64))...)
	}
	r.watchers[fd] = watched{w, i}
	return nil
}

// watched returns the entry of a descriptor that is watched, or nil.
func (r *reactor) watched(fd int) *watched {
	if fd < 0 || fd >= len(r.watchers) || r.watchers[fd].watcher == nil {
		return nil
	}
	return &r.watchers[fd]
}

func (r *reactor) Rewatch(fd int, i sdk.Interest) error {
	w := r.watched(fd)
	if w == nil {
		return fmt.Errorf("watch descriptor %d again: it is not watched", fd)
	}
	if w.interest == i {
		return nil
	}
	if err := r.poll.modify(fd, w.interest, i); err != nil {
		return fmt.Errorf("watch descriptor %d: %w", fd, err)
	}
	w.interest = i
	return nil
}

func (r *reactor) Forget(fd int) {
	w := r.watched(fd)
	if w == nil {
		return
	}
	r.poll.remove(fd, w.interest)
	*w = watched{}
	for k := range r.ready {
		if r.ready[k].fd == fd {
			r.ready[k].fd = -1
		}
	}
}

func (r *reactor) Timer(d time.Duration, a sdk.Alarm) sdk.TimerID {
	r.nextID++
	t := &timer{id: r.nextID, at: r.now.Add(d), alarm: a}
	heap.Push(&r.timers, t)
	r.set[t.id] = t
	return t.id
}

func (r *reactor) Cancel(id sdk.TimerID) {
	if t := r.set[id]; t != nil {
		heap.Remove(&r.timers, t.place)
		delete(r.set, id)
	}
}

func (r *reactor) Do(t sdk.Task) {
	r.mu.Lock()
	r.tasks = append(r.tasks, t)
	r.mu.Unlock()
	r.poll.wake()
}

// wait waits for readiness, a task, a wake-up or a timer, and takes the time.
func (r *reactor) wait() error {
	timeout := time.Duration(-1)
	if len(r.timers) > 0 {
		timeout = max(time.Until(r.timers[0].at), 0)
	}
	var err error
	r.ready, err = r.poll.wait(timeout, r.ready[:0])
	r.now = time.Now()
	return err
}

// turn runs tasks, then tells watchers, then alarms.
func (r *reactor) turn() {
	r.mu.Lock()
	tasks := r.tasks
	r.tasks = nil
	r.mu.Unlock()
	for _, t := range tasks {
		t.Run(r.loop)
	}
	for k := range r.ready {
		r.tell(r.ready[k])
	}
	for len(r.timers) > 0 && !r.timers[0].at.After(r.now) {
		t := heap.Pop(&r.timers).(*timer)
		delete(r.set, t.id)
		t.alarm.Alarm(r.loop, t.id)
	}
}

func (r *reactor) tell(e readiness) {
	w := r.watched(e.fd)
	if w == nil {
		return
	}
	interest := e.interest & w.interest
	if e.hungUp {
		interest |= sdk.Readable
	}
	if interest != 0 {
		w.watcher.Ready(r.loop, interest)
	}
}

// timer is a timer that is set.
type timer struct {
	id    sdk.TimerID
	at    time.Time
	alarm sdk.Alarm
	place int // in the heap
}

// timerHeap has the next timer first; among equal ones the one set first.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].id < h[j].id
	}
	return h[i].at.Before(h[j].at)
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}
func (h *timerHeap) Push(t any) {
	t.(*timer).place = len(*h)
	*h = append(*h, t.(*timer))
}
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return t
}
