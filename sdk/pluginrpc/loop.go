package pluginrpc

import (
	"log/slog"
	"sync/atomic"

	"github.com/pushcore/pushcore/sdk"
)

// loop is a loop on the plugin's side of a link: it takes the runtime's turns off
// the link, calls the plugin with them, and runs the plugin's poller.
type loop struct {
	id     sdk.Loop // immutable
	plugin sdk.Transport
	link   *link
	log    *slog.Logger
	done   chan struct{} // closed by the loop when it has ended

	ending atomic.Bool   // stop → loop
	sent   atomic.Uint64 // payload bytes put on the link, also by Post

	// Everything following is owned by the loop.
	*reactor
	engaged  bool   // the plugin is open: it is called
	allowed  uint64 // payload bytes that may have been put on the link
	taken    []byte
	commands []sdk.Command
	batch    sdk.Batch
	out      []byte // to encode events in
}

func newLoop(p sdk.Transport, id sdk.Loop, k *link, log *slog.Logger) (*loop, error) {
	r, err := newReactor(id)
	if err != nil {
		return nil, err
	}
	return &loop{id: id, plugin: p, link: k, log: log, done: make(chan struct{}), reactor: r}, nil
}

// run is the loop's goroutine.
func (l *loop) run() {
	defer close(l.done)
	for !l.ending.Load() {
		if err := l.reactor.wait(); err != nil {
			panic(err) // The poller's own descriptor is unusable: a broken invariant of ours.
		}
		l.take()
		l.reactor.turn()
		l.flush()
	}
	l.link.up.close()
	if err := l.reactor.poll.close(); err != nil {
		l.log.Warn("poller did not close", "loop", int(l.id), "error", err)
	}
}

// take calls the plugin with what is on the link. Commands that follow each other
// make one call, as they did on the other side.
func (l *loop) take() {
	l.taken = l.link.down.take(l.taken)
	for b := l.taken; len(b) > 0; {
		r, rest, err := Next(b)
		if err == nil {
			err = l.apply(&r)
		}
		if err != nil {
			l.log.Error("link is broken", "loop", int(l.id), "error", err)
			break
		}
		b = rest
	}
	l.giveCommands()
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
		if err := r.Batch(&l.batch); err != nil {
			return err
		}
		if l.engaged {
			l.plugin.Deliver(l.id, &l.batch)
		}
		clear(l.batch.Messages)
		return nil
	case KindFlush, KindCredit:
		c, err := r.Credit()
		if err != nil {
			return err
		}
		l.allowed = c.Consumed + c.Bytes
		if r.Kind == KindFlush {
			l.flush()
		}
		return nil
	}
	return r.malformed("a transport takes no such record")
}

func (l *loop) giveCommands() {
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

// emit puts events on the link, at once, so that they stand before what is posted
// after them.
func (l *loop) emit(e []sdk.Event) {
	l.out = l.out[:0]
	for i := range e {
		l.out = l.appendEvent(l.out, &e[i])
	}
	l.link.up.put(l.out)
}

// appendEvent appends an event, unless it is too long for any record.
func (l *loop) appendEvent(b []byte, e *sdk.Event) []byte {
	start := len(b)
	b = AppendEvent(b, e)
	if n := len(b) - start - HeaderSize; n > MaxBody {
		l.log.Error("event is dropped", "loop", int(l.id), "conn", uint64(e.Conn), "bytes", n)
		return b[:start]
	}
	l.sent.Add(uint64(len(e.Payload)))
	return b
}

// credit is what may still be put on the link.
func (l *loop) credit() int {
	return int(max(int64(l.allowed-l.sent.Load()), 0))
}

// engage has the loop call the plugin from now on, or no more; it returns when
// that is so.
func (l *loop) engage(on bool) {
	t := &engagement{loop: l, on: on, done: make(chan struct{})}
	l.reactor.Do(t)
	<-t.done
}

// engagement is the task of engage.
type engagement struct {
	loop *loop
	on   bool
	done chan struct{}
}

// Run implements sdk.Task.
func (e *engagement) Run(sdk.Loop) {
	e.loop.engaged = e.on
	close(e.done)
}

// stop ends the loop and waits for it.
func (l *loop) stop() {
	l.ending.Store(true)
	l.reactor.poll.wake()
	<-l.done
}
