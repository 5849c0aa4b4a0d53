package rabbitmq

import (
	"sync"

	"github.com/pushcore/pushcore/plugins/mq/internal/track"
	"github.com/pushcore/pushcore/sdk"
)

// acks are settlements on their way to a channel, whose writes may block. Their
// number is bounded by the open records. Methods may be called from any goroutine.
type acks struct {
	mu     sync.Mutex // guards the following
	filled *sync.Cond
	items  []sdk.Settlement
	closed bool
}

func newAcks() *acks {
	a := new(acks)
	a.filled = sync.NewCond(&a.mu)
	return a
}

func (a *acks) put(s sdk.Settlement) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.items = append(a.items, s)
	a.filled.Signal()
}

func (a *acks) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.filled.Signal()
}

// take waits for settlements; none means that there will be no more.
func (a *acks) take() []sdk.Settlement {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.items) == 0 && !a.closed {
		a.filled.Wait()
	}
	items := a.items
	a.items = nil
	return items
}

// acknowledge sends what is settled until acks is closed. An error means that the
// channel has ended, and with it the epoch: what is left comes again.
func (s *subscription) acknowledge() {
	for {
		settled := s.acks.take()
		if len(settled) == 0 {
			return
		}
		s.mu.Lock()
		plan := decide(s.tracker, settled)
		s.mu.Unlock()
		s.send(&plan)
	}
}

func (s *subscription) send(p *plan) {
	for _, tag := range p.requeue {
		_ = s.channel.Nack(tag, false, true)
	}
	for _, tag := range p.dead {
		_ = s.channel.Nack(tag, false, false)
	}
	if p.upTo > 0 {
		_ = s.channel.Ack(p.upTo, true)
	}
	for _, tag := range p.single {
		_ = s.channel.Ack(tag, false)
	}
}

// plan is what to send for some settlements, in the order of its fields: an ack of
// all up to a tag takes along what was not answered otherwise before.
type plan struct {
	requeue []uint64
	dead    []uint64
	upTo    uint64 // 0: none
	single  []uint64
}

// decide marks settlements and says how to tell the broker. A tag may be answered
// once only, so the multiple ack ends at a tag that is new: an older one may have
// been acknowledged by itself.
func decide(t *track.Tracker, settled []sdk.Settlement) plan {
	var p plan
	var done []uint64
	for i := range settled {
		for _, tag := range settled[i].Positions {
			if !t.Settle(tag) {
				continue
			}
			switch settled[i].Outcome {
			case sdk.Requeue:
				p.requeue = append(p.requeue, tag)
			case sdk.Dead:
				p.dead = append(p.dead, tag)
			default:
				done = append(done, tag)
			}
		}
	}
	end := t.End()
	for _, tag := range done {
		if tag < end {
			p.upTo = max(p.upTo, tag)
		} else {
			p.single = append(p.single, tag)
		}
	}
	return p
}
