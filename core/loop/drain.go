package loop

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
)

// drain hands inputs of the mailbox to the shard. It ends early when as much
// waits to be served as the backlog allows: then the mailbox fills up, its
// producers wait, and brokers are paused, before outboxes spill for want of a
// faster socket.
//
// The backlog is what the shard reports as owed less what it serves, and nothing
// once it has no more to serve: what is then left in outboxes waits for its
// device, not for this loop.
func (l *Loop) drain() {
	effects := l.state.Effects()
	counted := len(effects.Reports)
	n := 0
	for n < l.config.Inputs && l.backlog.room(&l.config) {
		ok, since := l.mailbox.more()
		if !ok {
			break
		}
		if !since.IsZero() {
			l.stats.lagged(l.now.Wall, max(l.now.Wall.Sub(since), 0))
		}
		in := l.mailbox.take()
		l.backlog.add(in)
		l.handle(in)
		n++
		for ; counted < len(effects.Reports); counted++ {
			if r := &effects.Reports[counted]; r.Kind == envelope.ReportOwed {
				l.backlog.pairs += r.Pairs
			}
		}
	}
	l.stats.inputs.Add(uint64(n))
}

// backlog is what was accepted and is not known to be served.
type backlog struct {
	pairs    int
	messages int
	bytes    int // of their payloads
}

func (b *backlog) room(c *Config) bool {
	return b.pairs < c.Backlog && b.messages < c.Burst && b.bytes < c.BurstBytes
}

// add counts a message that the shard is given; its pairs come from the shard.
func (b *backlog) add(in envelope.Input) {
	if d, ok := in.(*envelope.Deliver); ok {
		b.messages++
		b.bytes += len(d.Message.Payload)
	}
}

// served takes off items that a transport was given. Whose item belongs to which
// message is not known, but when none is left all of them were served.
func (b *backlog) served(items int) {
	if b.pairs -= items; b.pairs <= 0 {
		*b = backlog{}
	}
}

func (l *Loop) handle(in envelope.Input) {
	if posted, ok := in.(*shard.PostedEvents); ok {
		l.unload(posted)
	}
	l.state.Handle(in)
}

// unload gives back the room that posted events took.
func (l *Loop) unload(posted *shard.PostedEvents) {
	if p := l.port(posted.Plugin); p != nil {
		p.posted.Add(-int64(payloadBytes(posted.Events)))
	}
}

// lagged notes how long the oldest input of a mailbox waited until it was taken.
func (c *counters) lagged(now time.Time, lag time.Duration) {
	if now.Sub(c.lagSince) >= time.Second {
		c.lagSince = now
		c.lag.Store(0)
	}
	if int64(lag) > c.lag.Load() {
		c.lag.Store(int64(lag))
	}
}
