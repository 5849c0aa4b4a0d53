package pluginrpc

import (
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/pushcore/pushcore/sdk"
)

// loop is a loop on the plugin's side: it takes the runtime's turns off its link,
// calls the plugin with them, runs the plugin's poller, and puts on the link what
// the plugin emits. It goes on without a link while there is no runtime.
type loop struct {
	id     sdk.Loop // immutable
	plugin sdk.Transport
	log    *slog.Logger
	gone   func(sdk.Loop, error) // called on the loop when its link has ended; or nil
	handed func(sdk.Loop, []Handed)
	done   chan struct{} // closed by the loop when it has ended

	ending  atomic.Bool  // stop → loop
	away    atomic.Bool  // loop → any goroutine: there is no link
	backlog atomic.Int64 // loop → any goroutine: bytes that wait on the link
	posted  posted       // any goroutine → loop

	// Everything following is owned by the loop.
	*reactor
	engaged  bool    // the plugin is open: it is called
	line     carrier // nil: no runtime
	incoming *stream // what comes on the line, unless it reads for itself
	kept     *kept   // nil: connections do not outlive the runtime
	taken    []byte
	commands []sdk.Command
	batch    sdk.Batch
	out      []byte // to encode events in
	sent     uint64 // payload bytes put on the link
	allowed  uint64 // payload bytes that may have been put on the link
	progress Progress
	told     Progress
}

func newLoop(p sdk.Transport, id sdk.Loop, log *slog.Logger) (*loop, error) {
	r, err := newReactor(id)
	if err != nil {
		return nil, err
	}
	l := &loop{id: id, plugin: p, log: log, done: make(chan struct{}), reactor: r}
	l.away.Store(true)
	return l, nil
}

// run is the loop's goroutine.
func (l *loop) run() {
	defer close(l.done)
	for !l.ending.Load() {
		if err := l.reactor.wait(); err != nil {
			panic(err) // The poller's own descriptor is unusable: a broken invariant of ours.
		}
		l.takeIncoming()
		l.reactor.turn()
		l.emitPosted()
		l.flush()
		l.report()
	}
	l.emitPosted()
	l.report()
	l.detach()
	if err := l.reactor.poll.close(); err != nil {
		l.log.Warn("poller did not close", "loop", int(l.id), "error", err)
	}
}

// takeIncoming takes what came on a line that does not read for itself.
func (l *loop) takeIncoming() {
	if l.incoming == nil {
		return
	}
	l.taken = l.incoming.take(l.taken)
	if _, err := l.receive(l.taken); err != nil {
		l.lost(err)
	}
}

// receive calls the plugin with the whole records at the front of b and returns
// their length. Commands that follow each other make one call, as they did on the
// other side.
func (l *loop) receive(b []byte) (taken int, err error) {
	for l.line != nil {
		r, rest, e := Next(b[taken:])
		if e != nil {
			if !errors.Is(e, ErrShort) {
				err = e
			}
			break
		}
		if err = l.apply(&r); err != nil {
			break
		}
		taken = len(b) - len(rest)
	}
	l.giveCommands()
	l.progress.Bytes += uint64(taken)
	return taken, err
}

func (l *loop) apply(r *Record) error {
	if r.IsCommand() {
		c, err := r.Command()
		if err == nil {
			l.commands = append(l.commands, c)
		}
		return err
	}
	l.giveCommands()
	switch r.Kind {
	case KindDeliver:
		return l.deliver(r)
	case KindFlush, KindCredit:
		c, err := r.Credit()
		if err != nil {
			return err
		}
		l.allowed = c.Consumed + c.Bytes
		if r.Kind == KindFlush {
			l.progress.Flushes++ // It is carried out at the end of the turn.
		}
		return nil
	case KindFreeze:
		if err := r.is(KindFreeze, 0); err != nil {
			return err
		}
		return l.freeze()
	}
	return r.malformed("a transport takes no such record")
}

func (l *loop) deliver(r *Record) error {
	if err := r.Batch(&l.batch); err != nil {
		return err
	}
	if l.kept != nil {
		l.kept.batch(&l.batch)
	}
	if l.engaged {
		l.plugin.Deliver(l.id, &l.batch)
	}
	clear(l.batch.Messages)
	return nil
}

func (l *loop) giveCommands() {
	if l.kept != nil {
		for i := range l.commands {
			l.kept.command(l.id, &l.commands[i])
		}
	}
	if len(l.commands) > 0 && l.engaged {
		l.plugin.Command(l.id, l.commands)
	}
	clear(l.commands)
	l.commands = l.commands[:0]
}

func (l *loop) flush() {
	if l.engaged {
		l.plugin.Flush(l.id)
	}
}

// progressBytes is how much is taken before that is told without a flush.
const progressBytes = 256 << 10

// report tells how far the plugin has got, and lets the turn's records go.
func (l *loop) report() {
	if l.line == nil {
		return
	}
	if l.progress.Flushes != l.told.Flushes || l.progress.Bytes-l.told.Bytes > progressBytes {
		l.told = l.progress
		l.out = AppendFlushed(l.out[:0], l.told)
		l.line.send(l.out)
	}
	l.line.flush()
	if l.line != nil { // It may have broken.
		l.backlog.Store(int64(l.line.waiting()))
	}
}

// emit puts events on the link, behind what was posted before.
func (l *loop) emit(e []sdk.Event) {
	l.emitPosted()
	l.put(e)
}

func (l *loop) put(e []sdk.Event) {
	if l.kept != nil {
		for i := range e {
			l.kept.event(&e[i], l.line == nil)
		}
	}
	if l.line == nil {
		return
	}
	l.out = l.out[:0]
	for i := range e {
		l.out = l.appendEvent(l.out, &e[i])
	}
	l.line.send(l.out)
	if cap(l.out) > outKeep {
		l.out = nil
	}
}

// appendEvent appends an event, unless it is too long for any record.
func (l *loop) appendEvent(b []byte, e *sdk.Event) []byte {
	start := len(b)
	b = AppendEvent(b, e)
	if n := len(b) - start - HeaderSize; n > MaxBody {
		l.log.Error("event is dropped", "loop", int(l.id), "conn", uint64(e.Conn), "bytes", n)
		return b[:start]
	}
	l.sent += uint64(len(e.Payload))
	return b
}

// emitPosted puts on the link what came from other goroutines.
func (l *loop) emitPosted() {
	for _, e := range l.posted.take() {
		l.put(e)
		if l.line != nil {
			l.backlog.Store(int64(l.line.waiting()))
		}
		l.posted.done(e)
	}
}

// credit is what may still be put on the link.
func (l *loop) credit() int {
	if l.line == nil {
		return 0
	}
	return int(max(int64(l.allowed-l.sent), 0))
}

// attach begins a link; table says that the runtime is told of the connections
// that there are. A link that there was ends.
func (l *loop) attach(line carrier, incoming *stream, table bool) {
	l.detach()
	l.line, l.incoming = line, incoming
	l.away.Store(false)
	l.sent, l.allowed, l.progress, l.told = 0, 0, Progress{}, Progress{}
	if !table {
		return
	}
	if l.kept != nil {
		line.send(l.kept.table(nil))
	} else {
		line.send(AppendTableEnd(nil, 0))
	}
}

// detach ends the link, if there is one. Nobody is told.
func (l *loop) detach() {
	if l.line == nil {
		return
	}
	l.line.close()
	l.line, l.incoming = nil, nil
	l.away.Store(true)
	l.backlog.Store(0)
}

// lost ends the link: the runtime has gone, or does not keep to the format. What
// connections there are wait for the next one; nothing is read from them.
func (l *loop) lost(err error) {
	if l.line == nil {
		return
	}
	l.detach()
	l.giveCommands()
	if l.kept != nil && l.engaged {
		l.plugin.Command(l.id, l.kept.pauses(nil))
		l.plugin.Flush(l.id)
	}
	if l.gone != nil {
		l.gone(l.id, err)
	}
}

// do runs f on the loop and waits for it.
func (l *loop) do(f func()) {
	t := &onLoop{f: f, done: make(chan struct{})}
	l.reactor.Do(t)
	<-t.done
}

// onLoop is the task of do.
type onLoop struct {
	f    func()
	done chan struct{}
}

// Run implements sdk.Task.
func (t *onLoop) Run(sdk.Loop) {
	t.f()
	close(t.done)
}

// stop ends the loop and waits for it.
func (l *loop) stop() {
	l.ending.Store(true)
	l.reactor.poll.wake()
	<-l.done
}
