package loop

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

// Loop is the goroutine of one core and what it owns.
type Loop struct {
	id     sdk.Loop // immutable, like all up to mailbox
	config Config
	state  State
	outlet Outlet
	peers  []*Loop // all loops of the set, itself included

	mailbox  *inbox[envelope.Input] // any goroutine → loop
	bell     *bell                  // any goroutine → loop
	stats    counters               // loop → any goroutine
	stopping atomic.Bool            // Stop → loop
	aborting atomic.Bool            // Stop → loop: do not wait for what is left
	done     chan struct{}          // closed by the loop when it has ended

	// Everything following is owned by the loop.
	reactor  reactor
	ports    []*Port            // by plugin; nil: none
	outgoing [][]envelope.Input // by loop: messages of this turn
	now      shard.Now          // when the turn began
	awake    time.Time          // up to when time was counted as busy or idle
	backlog  backlog
	stirred  bool // the shard was given something since it last served
	restless bool // there is work left: the next wait only looks
}

// newLoop makes a loop that is not running yet.
func newLoop(id int, c Config, s State, o Outlet) (*Loop, error) {
	poll, err := newPoller(c.Ready)
	if err != nil {
		return nil, err
	}
	return newLoopOn(poll, id, c, s, o), nil
}

func newLoopOn(poll poller, id int, c Config, s State, o Outlet) *Loop {
	b := &bell{poll: poll}
	l := &Loop{
		id: sdk.Loop(id), config: c, state: s, outlet: o,
		mailbox: newInbox[envelope.Input](c.Mailbox, b, func() { o.Room(id) }),
		bell:    b,
		done:    make(chan struct{}),
		reactor: reactor{
			loop: sdk.Loop(id), poll: poll,
			tasks:  newInbox[sdk.Task](0, b, nil),
			timers: newTimers(sdk.Loop(id), c.Tick, time.Since(c.Start)),
		},
	}
	return l
}

// ID is the loop's index.
func (l *Loop) ID() sdk.Loop { return l.id }

// Post puts a batch into the mailbox and says true; or it takes nothing and says
// false, because there is no room for all of it (then Outlet.Room is called when
// the mailbox was emptied) or the loop has ended. Any goroutine may call it. The
// inputs belong to the loop, the slice stays the caller's.
func (l *Loop) Post(batch []envelope.Input) bool { return l.mailbox.put(batch, false) }

// PostAnswers puts answers to what this loop has asked for: they are taken even
// if the mailbox is full, bounded by what was asked. Any goroutine may call it.
func (l *Loop) PostAnswers(batch []envelope.Input) { l.mailbox.put(batch, true) }

// Do runs a task on the loop, as sdk.Poller.Do.
func (l *Loop) Do(t sdk.Task) { l.reactor.Do(t) }

// run is the loop's goroutine.
func (l *Loop) run() {
	defer close(l.done)
	// Never unlocked: the thread, pinned perhaps, ends with the goroutine.
	runtime.LockOSThread()
	if n := len(l.config.CPUs); n > 0 {
		cpu := l.config.CPUs[int(l.id)%n]
		if err := pin(cpu); err != nil {
			l.config.Log.Warn("loop is not pinned", "loop", int(l.id), "cpu", cpu, "error", err)
		}
	}
	l.awake = time.Now()
	for !l.ended() {
		l.turn()
	}
	l.shut()
}

// turn is what a loop does, for ever.
func (l *Loop) turn() {
	l.wait()             // for a descriptor, the mailbox, a task or a timer; not at all while work is left
	l.begin()            // the time, once for all that follows
	l.drain()            // mailbox → shard, as far as the outboxes are not behind
	l.reactor.runTasks() // what transports want run here
	l.reactor.react()    // transports read: their events → shard
	l.tick()             // timers of the transports and of the shard
	l.apply()            // what the shard wants of that → transports, outlet
	more := l.serve()    // a chunk of the outboxes → transports
	l.flush()            // transports write, once for each socket
	l.apply()            // what came of it
	l.rest(more)         // is there work left?
}

// wait blocks until there is something to do. It is the only place where a loop
// waits, and gives its P away.
func (l *Loop) wait() {
	if l.restless {
		l.poll(0)
		return
	}
	l.bell.asleep.Store(true)
	l.poll(l.timeout())
	l.bell.asleep.Store(false)
}

// timeout is how long the loop may sleep: until the next timer, or not at all if
// something came before the bell could be rung for it.
func (l *Loop) timeout() time.Duration {
	if !l.mailbox.empty() || !l.reactor.tasks.empty() || l.stopping.Load() {
		return 0
	}
	due, set := l.state.NextDue()
	if at, ok := l.reactor.timers.wheel.Next(); ok && (!set || at < due) {
		due, set = at, true
	}
	if !set {
		return -1
	}
	return max(due-time.Since(l.config.Start), 0)
}

func (l *Loop) poll(timeout time.Duration) {
	if timeout != 0 {
		l.stats.busy.Add(int64(time.Since(l.awake)))
	}
	ready, err := l.reactor.poll.wait(timeout, l.reactor.ready[:0])
	if err != nil {
		panic(err) // The poller's own descriptor is unusable: a broken invariant of ours.
	}
	l.reactor.ready = ready
	if timeout != 0 {
		l.awake = time.Now()
	}
}

// begin takes the time of the turn.
func (l *Loop) begin() {
	t := time.Now()
	l.stats.busy.Add(int64(t.Sub(l.awake)))
	l.stats.turns.Add(1)
	l.awake = t
	l.now = shard.Now{Mono: t.Sub(l.config.Start), Wall: t}
	l.reactor.timers.now = l.now.Mono
	for _, p := range l.ports {
		if p != nil {
			p.credit = l.config.Credit
		}
	}
	l.state.Begin(l.now)
}

// tick lets timers run out.
func (l *Loop) tick() {
	l.reactor.timers.run(l.now.Mono)
	l.state.Tick()
}

// flush ends the turn for the transports. Each is told, for it may have something
// to write that the shard knows nothing of, such as a pong.
func (l *Loop) flush() {
	for _, p := range l.ports {
		if p != nil && p.engaged {
			p.transport.Flush(l.id)
		}
	}
	l.state.Flushed()
}

// rest decides whether the next wait may sleep. It may not while the shard can
// serve more or was given something after it served, and while a transport was
// given something after its flush.
func (l *Loop) rest(more bool) { l.restless = more || l.stirred }

// ended says whether the loop may end: it was asked to, and nothing is left or it
// was told not to care.
func (l *Loop) ended() bool {
	if !l.stopping.Load() {
		return false
	}
	return l.aborting.Load() || !l.restless && l.mailbox.empty() && l.reactor.tasks.empty()
}

// stop asks the loop to end when its mailbox, tasks and outboxes are empty. When
// ctx ends first, the loop ends after its turn and ctx's error is returned.
func (l *Loop) stop(ctx context.Context) error {
	l.stopping.Store(true)
	l.bell.ring()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
	}
	l.aborting.Store(true)
	l.bell.ring()
	<-l.done
	return ctx.Err()
}

// shut refuses what comes from now on and closes the poller.
func (l *Loop) shut() {
	l.mailbox.close()
	l.reactor.tasks.close()
	if err := l.bell.close(); err != nil {
		l.config.Log.Warn("loop's poller did not close", "loop", int(l.id), "error", err)
	}
}
