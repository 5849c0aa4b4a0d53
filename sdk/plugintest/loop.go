package plugintest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// loop is a loop of the host, and the sdk.Poller of what runs on it.
type loop struct {
	id        sdk.Loop // immutable
	host      *Host
	poll      *poll
	done      chan struct{} // closed by the loop when it has ended
	ending    atomic.Bool
	goroutine atomic.Uint64 // that of run, while it is in a turn

	mu     sync.Mutex // guards tasks and posted
	tasks  []task
	posted int

	// Everything following is owned by the loop.
	flushes     sdk.Transport // ends turns; nil: none
	turns       int
	said        bool // something was said to the plugin in this turn
	now         time.Time
	credit      int
	creditLimit int // of each turn; below 0: creditPerTurn
	watchers    map[int]*watcher
	ready       []readiness
	timers      []timer
	nextTimer   sdk.TimerID
}

// task is something to run on a loop: of a plugin, of the kit, or posted events.
type task struct {
	run    sdk.Task
	f      func()
	posted []sdk.Event
	done   chan<- struct{} // closed at the end of the turn
}

type watcher struct {
	sdk.Watcher
	interest sdk.Interest
}

type timer struct {
	id    sdk.TimerID
	at    time.Time
	alarm sdk.Alarm
}

var _ sdk.Poller = (*loop)(nil)

func newLoop(h *Host, id sdk.Loop) (*loop, error) {
	p, err := newPoll()
	if err != nil {
		return nil, err
	}
	return &loop{id: id, host: h, poll: p, done: make(chan struct{}), creditLimit: -1, watchers: map[int]*watcher{}}, nil
}

func (l *loop) run() {
	defer close(l.done)
	l.goroutine.Store(goroutineID())
	for !l.ending.Load() {
		ready, err := l.poll.wait(l.timeout())
		if err != nil {
			panic(err) // The poll's own descriptor is unusable: a broken invariant of ours.
		}
		l.ready = ready
		l.turn()
	}
	l.mu.Lock()
	rest := l.tasks
	l.tasks = nil
	l.mu.Unlock()
	l.runTasks(rest) // The last ones, so that nobody waits for ever.
	l.poll.close()
}

// timeout is how long the loop may wait: until the next timer.
func (l *loop) timeout() time.Duration {
	timeout := time.Duration(-1)
	now := l.time()
	for _, t := range l.timers {
		if d := max(t.at.Sub(now), 0); timeout < 0 || d < timeout {
			timeout = d
		}
	}
	return timeout
}

func (l *loop) time() time.Time { return time.Now().Add(time.Duration(l.host.offset.Load())) }

// turn runs tasks, tells watchers and alarms, and flushes.
func (l *loop) turn() {
	l.turns++
	l.now = l.time()
	if l.credit = l.creditLimit; l.credit < 0 {
		l.credit = creditPerTurn
	}
	l.mu.Lock()
	tasks := l.tasks
	l.tasks = nil
	l.mu.Unlock()
	ended := l.runTasks(tasks)
	for i := range l.ready {
		l.tell(l.ready[i])
	}
	l.alarm()
	if l.flushes != nil {
		if l.said {
			l.host.record(step{Loop: &l.id, Turn: l.turns, Call: "Flush"})
		}
		l.flushes.Flush(l.id)
	}
	l.said = false
	for _, done := range ended {
		close(done)
	}
}

func (l *loop) runTasks(tasks []task) (ended []chan<- struct{}) {
	for _, t := range tasks {
		switch {
		case t.run != nil:
			t.run.Run(l.id)
		case t.f != nil:
			t.f()
		default:
			l.mu.Lock()
			l.posted -= len(t.posted)
			l.mu.Unlock()
			l.host.take(l.id, l.turns, t.posted, true)
		}
		if t.done != nil {
			if l.ending.Load() {
				close(t.done)
			} else {
				ended = append(ended, t.done)
			}
		}
	}
	return ended
}

func (l *loop) tell(r readiness) {
	w := l.watchers[r.fd]
	if w == nil {
		return
	}
	interest := r.interest & w.interest
	if r.hungUp {
		interest |= sdk.Readable
	}
	if interest != 0 {
		w.Ready(l.id, interest)
	}
}

func (l *loop) alarm() {
	for i := 0; i < len(l.timers); i++ {
		if t := l.timers[i]; !t.at.After(l.now) {
			l.Cancel(t.id)
			t.alarm.Alarm(l.id, t.id)
			i = -1 // The list has changed: from the beginning.
		}
	}
}

// stop ends the loop and waits for it.
func (l *loop) stop() {
	if !l.ending.Swap(true) {
		l.poll.wake()
	}
	<-l.done
}

// put adds a task; a loop that has ended runs none.
func (l *loop) put(t task) {
	l.mu.Lock()
	l.tasks = append(l.tasks, t)
	l.mu.Unlock()
	l.poll.wake()
}

func (l *loop) post(events []sdk.Event, always bool) bool {
	l.mu.Lock()
	if !always && l.posted+len(events) > postedMax {
		l.mu.Unlock()
		return false
	}
	l.posted += len(events)
	l.mu.Unlock()
	l.put(task{posted: events})
	return true
}

// check finds calls from other goroutines than the loop's.
func (l *loop) check(method string) {
	if id := goroutineID(); id != l.goroutine.Load() {
		l.host.fail(RuleGoroutine, nil, "%s for loop %d was called by another goroutine:\n%s", method, l.id, goroutines()[id])
	}
}

// Watch implements sdk.Poller.
func (l *loop) Watch(fd int, i sdk.Interest, w sdk.Watcher) error {
	l.check("Poller.Watch")
	h := l.host
	h.mu.Lock()
	if other, ok := h.watched[fd]; ok {
		h.failLocked(RuleWatch, nil, "descriptor %d is to be watched by loop %d, but loop %d has not forgotten it", fd, l.id, other)
		h.loops[other].disown(fd)
	}
	h.watched[fd] = l.id
	h.mu.Unlock()
	if err := l.poll.add(fd, i); err != nil {
		h.mu.Lock()
		delete(h.watched, fd)
		h.mu.Unlock()
		return fmt.Errorf("watch descriptor %d: %w", fd, err)
	}
	l.watchers[fd] = &watcher{w, i}
	return nil
}

// disown makes a second Watch of a descriptor work, if it is on the same poll.
func (l *loop) disown(fd int) {
	_ = l.poll.remove(fd) // If it was closed, it is gone already.
}

// Rewatch implements sdk.Poller.
func (l *loop) Rewatch(fd int, i sdk.Interest) error {
	l.check("Poller.Rewatch")
	w := l.watchers[fd]
	if w == nil {
		l.host.fail(RuleWatch, nil, "Rewatch of descriptor %d, which loop %d does not watch", fd, l.id)
		return fmt.Errorf("descriptor %d is not watched", fd)
	}
	w.interest = i
	return l.poll.modify(fd, i)
}

// Forget implements sdk.Poller.
func (l *loop) Forget(fd int) {
	l.check("Poller.Forget")
	if l.watchers[fd] == nil {
		return
	}
	delete(l.watchers, fd)
	for i := range l.ready {
		if l.ready[i].fd == fd {
			l.ready[i].fd = -1
		}
	}
	h := l.host
	h.mu.Lock()
	delete(h.watched, fd)
	h.mu.Unlock()
	if err := l.poll.remove(fd); err != nil {
		h.fail(RuleWatch, nil, "descriptor %d was closed before it was forgotten", fd)
	}
}

// Timer implements sdk.Poller.
func (l *loop) Timer(d time.Duration, a sdk.Alarm) sdk.TimerID {
	l.check("Poller.Timer")
	l.nextTimer++
	l.timers = append(l.timers, timer{l.nextTimer, l.now.Add(d), a})
	return l.nextTimer
}

// Cancel implements sdk.Poller.
func (l *loop) Cancel(id sdk.TimerID) {
	l.check("Poller.Cancel")
	for i, t := range l.timers {
		if t.id == id {
			l.timers = append(l.timers[:i], l.timers[i+1:]...)
			return
		}
	}
}

// Do implements sdk.Poller.
func (l *loop) Do(t sdk.Task) { l.put(task{run: t}) }
