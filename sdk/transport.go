package sdk

import (
	"log/slog"
	"time"
)

// Loop is the index of an event loop, from 0 to Host.Loops()-1.
type Loop int

// ConnID names a connection. The transport chooses it; it is not 0, below 2^48,
// unique among the instance's connections of this process's life, and constant
// over the connection's life, whichever loop serves it.
type ConnID uint64

// Transport carries sessions. It is implemented by the author of a plugin.
//
// A connection's life: Connect event → Accept command (or Reject) → Attached
// event on the loop that Accept named → deliveries, commands and events on that
// loop → Closed event, exactly once for each connection that emitted Connect.
// Between Connect and Attached nothing is read from the connection and nothing is
// delivered to it. A connection that ends before Accept reached it emits Closed
// on the loop of its Connect; the late Accept is then ignored. One that ends
// after Accept emits Attached and then Closed on the owner's loop.
//
// Delivery and commands for a connection that has emitted Closed are ignored.
type Transport interface {
	Plugin

	// Open binds the listeners and returns their endpoints, real ports filled
	// in, in the order of the options. It accepts nothing before CommandListen.
	Open(h Host) ([]Endpoint, error)

	// Deliver appends pushes to the connections' write buffers. The batch is
	// valid during the call. Items of one connection stand in the order in which
	// they must be written, behind all that earlier calls appended.
	Deliver(l Loop, b *Batch)

	// Command applies commands in order. The slice is valid during the call.
	Command(l Loop, c []Command)

	// Flush ends the turn: now write, once for each socket with something to
	// write. What the socket does not take stays buffered; the transport then
	// emits Congested, and Writable when all is written.
	Flush(l Loop)
}

// Checker is an optional interface of a transport that can fail in what it was
// told to do, such as CommandListen, without a connection to report it on.
type Checker interface {
	// Check returns why the instance does not serve as it was told to, nil if it
	// does. A node whose transport has a fault does not start, or is not ready.
	// Any goroutine may call it, between Open and Close.
	Check() error
}

// Endpoint is one listening address of a transport.
type Endpoint struct {
	URL string // such as tcp://127.0.0.1:7100 or ws://127.0.0.1:7200/connect
}

// Host is what the runtime gives a transport. Methods that take a Loop are for
// that loop's goroutine only, Post excepted.
type Host interface {
	// Loops is the number of loops, at least 1, constant.
	Loops() int

	// Now is the time at which the loop's turn began.
	Now(l Loop) time.Time

	// Emit reports events, in order. The slice and what it refers to are valid
	// until Emit returns. It may be called from Deliver, Command, Flush and from
	// Poller callbacks; the runtime never calls the transport from inside Emit.
	Emit(l Loop, e []Event)

	// Credit is the number of payload bytes that Emit may still add in this
	// turn. At 0 a transport stops reading; what it emits beyond is not lost but
	// uplinks are refused with a retryable code.
	Credit(l Loop) int

	// Poller watches file descriptors and timers on the loop itself.
	Poller(l Loop) Poller

	// Post reports events from any goroutine, for transports on libraries that
	// bring their own. It never blocks and takes ownership of the slice and all
	// it refers to. False means the loop's mailbox is full: nothing was taken,
	// try again later (a connection's Closed is always taken).
	Post(l Loop, e []Event) bool

	// Log is the instance's logger.
	Log() *slog.Logger
}

// Interest says which readiness a Watcher wants to hear of.
type Interest uint8

// Readiness. Hang-ups and errors are reported as Readable to every watcher.
const (
	Readable Interest = 1 << iota
	Writable
)

// Watcher is told of a descriptor's readiness, on its loop. Readiness is level
// triggered: it is reported each turn until it is used up.
type Watcher interface {
	Ready(l Loop, r Interest)
}

// Alarm is told that a timer ran out, on its loop.
type Alarm interface {
	Alarm(l Loop, timer TimerID)
}

// Task is run on a loop.
type Task interface {
	Run(l Loop)
}

// TimerID names a timer of one poller; 0 names none.
type TimerID uint64

// Poller watches descriptors and timers on one loop. All methods but Do are for
// the loop's own goroutine. It does not cross process boundaries: whichever
// process runs the plugin gives it.
type Poller interface {
	// Watch adds fd, which must be non-blocking. An fd is watched by one loop
	// at a time.
	Watch(fd int, i Interest, w Watcher) error
	// Rewatch changes the interest of a watched fd; 0 is allowed.
	Rewatch(fd int, i Interest) error
	// Forget removes fd, before it is closed or handed to another loop. No
	// Ready for it follows, not even one of the same turn.
	Forget(fd int)

	// Timer calls a.Alarm once after d, at the earliest; timers are coarse, late
	// by up to a tick (100 ms).
	Timer(d time.Duration, a Alarm) TimerID
	// Cancel stops a timer; one that has run out is ignored.
	Cancel(t TimerID)

	// Do runs t on the loop, soon, in the order of the calls. It may be called
	// from any goroutine and never blocks. Its queue is as long as what the
	// transport puts there: keep that to a task or two a connection.
	Do(t Task)
}
