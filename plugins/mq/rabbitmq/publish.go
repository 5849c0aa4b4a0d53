package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/outbox"
	"github.com/pushcore/pushcore/sdk"
)

// outstandingMax is how many records may be sent and not yet confirmed.
const outstandingMax = 1024

// publisher publishes to all outputs, over one channel at a time. put may be called
// from any goroutine; everything else is the link's.
type publisher struct {
	broker  *broker
	outputs map[sdk.Output]*Output
	queue   *outbox.Queue // Publish → serve

	waiting []outbox.Pending // to be sent, in order: first what was sent and not confirmed
	careful int              // so many of them are sent one by one: one of them closed the channel
}

func newPublisher(outputs []namedOutput, b *broker) *publisher {
	p := &publisher{broker: b, outputs: make(map[sdk.Output]*Output), queue: outbox.New()}
	for _, out := range outputs {
		p.outputs[out.name] = out.Output
	}
	return p
}

// put queues a record, unless there is no such output.
func (p *publisher) put(r outbox.Pending) bool {
	if p.outputs[r.Record.Output] == nil {
		return false
	}
	p.queue.Put(r)
	return true
}

// end answers what could not be published when the plugin closes.
func (p *publisher) end() {
	p.fetch()
	p.answer(p.waiting, "the node is stopping", false)
	p.waiting = nil
}

func (p *publisher) fetch() {
	more, _ := p.queue.Take()
	p.waiting = append(p.waiting, more...)
}

// serve publishes over one connection, with one channel after the other, until the
// connection ends; when ctx ends it publishes what is queued first.
func (p *publisher) serve(ctx context.Context, conn *amqp.Connection) error {
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 8))
	defer p.broker.report("blocked", "")
	for ctx.Err() == nil {
		s, err := p.session(conn, blocked)
		if err != nil {
			return err
		}
		err = s.run(ctx)
		p.salvage(s, err)
		if err != nil && conn.IsClosed() {
			return err
		}
	}
	return nil
}

// salvage puts what was sent and not confirmed in front again. If the broker closed
// the channel over a record, it is one of these: each is tried by itself, and the
// one that then closes the channel is given up.
func (p *publisher) salvage(s *session, err error) {
	var closed *amqp.Error
	fault := errors.As(err, &closed) && closed.Server && closed.Recover
	sent := s.unconfirmed()
	if fault && len(sent) == 1 && p.careful > 0 {
		missing := closed.Code == amqp.NotFound || closed.Code == amqp.AccessRefused // What an operator may mend.
		p.answer(sent, closed.Reason, !missing)
		p.careful--
		return
	}
	p.waiting = append(sent, p.waiting...)
	if fault {
		p.careful = len(sent)
		p.broker.host.Log().Warn("the broker refused a record; trying those under way one by one", "records", len(sent), "reason", closed.Reason)
	}
}

func (p *publisher) answer(records []outbox.Pending, text string, final bool) {
	if len(records) == 0 {
		return
	}
	results := make([]sdk.PublishResult, len(records))
	for i := range records {
		results[i] = sdk.PublishResult{ID: records[i].Record.ID, Error: text, Final: final}
	}
	p.broker.host.Published(results)
}

// expire answers the records that waited too long to be sent. The records are not
// strictly in the order of their deadlines: what was sent before stands in front.
func (p *publisher) expire(now time.Time) {
	p.fetch()
	late := make([]outbox.Pending, 0)
	p.waiting = slices.DeleteFunc(p.waiting, func(r outbox.Pending) bool {
		if now.After(r.Deadline) {
			late = append(late, r)
			return true
		}
		return false
	})
	p.answer(late, "the broker did not take it in time", false)
}

// session publishes on one channel.
type session struct {
	*publisher
	channel   *amqp.Channel
	closed    chan *amqp.Error
	confirms  chan amqp.Confirmation
	returns   chan amqp.Return
	blocked   chan amqp.Blocking
	isBlocked bool

	sent     map[uint64]outbox.Pending // by the channel's count, without those that were answered
	next     uint64                    // the count of the next record
	lowest   uint64                    // the lowest that is not confirmed
	returned map[uint64]string         // why, by count
}

// session opens a channel. The notices' buffers hold one for each record under way,
// so that the library's reader never waits for us.
func (p *publisher) session(conn *amqp.Connection, blocked chan amqp.Blocking) (*session, error) {
	ch, err := conn.Channel()
	if err != nil {
		return nil, err
	}
	if err := ch.Confirm(false); err != nil {
		return nil, err
	}
	return &session{
		publisher: p, channel: ch, blocked: blocked, next: 1, lowest: 1,
		closed:   ch.NotifyClose(make(chan *amqp.Error, 1)),
		confirms: ch.NotifyPublish(make(chan amqp.Confirmation, outstandingMax)),
		returns:  ch.NotifyReturn(make(chan amqp.Return, outstandingMax)),
		sent:     make(map[uint64]outbox.Pending), returned: make(map[uint64]string),
	}, nil
}

// run publishes until the channel ends, or ctx has and everything is answered. It
// leaves an open channel to the end of the connection, which has a deadline: a
// broker that blocks publishers answers nothing.
func (s *session) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	stopping := ctx.Done()
	for {
		s.fetch()
		if err := s.push(); err != nil {
			return s.why(err)
		}
		if stopping == nil && (s.isBlocked || len(s.sent)+len(s.waiting) == 0) {
			return nil
		}
		select {
		case <-s.queue.Wake():
		case c, ok := <-s.confirms:
			if !ok {
				return s.why(amqp.ErrClosed)
			}
			s.confirm(c)
		case b := <-s.blocked:
			s.block(b)
		case now := <-tick.C:
			s.expire(now)
			s.giveUp(now)
		case <-stopping:
			stopping = nil
		}
	}
}

// why is the broker's reason for the channel's end, if it gave one.
func (s *session) why(err error) error {
	select {
	case closed := <-s.closed:
		if closed != nil {
			return closed
		}
	case <-time.After(closeTimeout):
	}
	return err
}

// push sends what may be under way.
func (s *session) push() error {
	for len(s.waiting) > 0 && !s.isBlocked && len(s.sent) < s.window() {
		r := s.waiting[0]
		out := s.outputs[r.Record.Output]
		key := out.RoutingKey
		if key == "" {
			key = string(r.Record.Key)
		}
		if len(key) > 255 {
			s.answer(s.waiting[:1], "the key is longer than a routing key can be, 255 bytes", true)
			s.waiting = s.waiting[1:]
			continue
		}
		message := publishing(&r.Record, strconv.FormatUint(s.next, 10))
		if r.Record.Output == sdk.OutputDeadLetter && key != string(r.Record.Key) {
			keepKey(&message, r.Record.Key)
		}
		s.sent[s.next] = r
		s.waiting = s.waiting[1:]
		s.next++
		if err := s.channel.Publish(out.Exchange, key, true, false, message); err != nil {
			return err
		}
	}
	return nil
}

// giveUp answers what was sent and is not confirmed in time. The broker may have it
// all the same.
func (s *session) giveUp(now time.Time) {
	for count := s.lowest; count < s.next; count++ {
		if r, ok := s.sent[count]; ok && now.After(r.Deadline) {
			delete(s.sent, count)
			s.answer([]outbox.Pending{r}, "the broker did not confirm it in time", false)
		}
	}
}

func (s *session) window() int {
	if s.careful > 0 {
		return 1
	}
	return outstandingMax
}

// confirm answers a record. The broker returns what no queue takes before it
// confirms it.
func (s *session) confirm(c amqp.Confirmation) {
	for more := true; more; {
		select {
		case r, ok := <-s.returns:
			if more = ok; ok {
				s.noteReturn(r)
			}
		default:
			more = false
		}
	}
	r, ok := s.sent[c.DeliveryTag]
	if !ok {
		return
	}
	delete(s.sent, c.DeliveryTag)
	s.lowest = c.DeliveryTag + 1 // The library tells confirmations in order.
	text := s.returned[c.DeliveryTag]
	delete(s.returned, c.DeliveryTag)
	if text == "" && !c.Ack {
		text = "the broker could not keep it"
	}
	s.answer([]outbox.Pending{r}, text, false)
	s.careful = max(0, s.careful-1)
}

func (s *session) noteReturn(r amqp.Return) {
	count, err := strconv.ParseUint(r.CorrelationId, 10, 64)
	if err == nil {
		s.returned[count] = fmt.Sprintf("no queue takes it: exchange %q, routing key %q: %s", r.Exchange, r.RoutingKey, r.ReplyText)
	}
}

func (s *session) block(b amqp.Blocking) {
	s.isBlocked = b.Active
	text := ""
	if b.Active {
		text = "the broker blocks publishers: " + b.Reason
	}
	s.broker.report("blocked", text)
}

// unconfirmed is what was sent and not answered, in order.
func (s *session) unconfirmed() []outbox.Pending {
	var left []outbox.Pending
	for count := s.lowest; count < s.next; count++ {
		if r, ok := s.sent[count]; ok {
			left = append(left, r)
		}
	}
	return left
}
