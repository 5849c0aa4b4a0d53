package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/sdk"
)

// letters is one look at the queue of dead letters: they are got and not
// acknowledged, so that the broker puts them back, in their order, when the look
// ends in whatever way. Taking one acknowledges it.
type letters struct {
	conn    *amqp.Connection
	channel *amqp.Channel
	queue   string
	left    int // how many of those that were there are still to come
}

var _ sdk.LetterBox = (*RabbitMQ)(nil)

// LetterPlace is the queue and its broker.
func (r *RabbitMQ) LetterPlace() string {
	if r.options.DeadLetter == nil {
		return ""
	}
	b, err := newBroker(&r.options, nil)
	if err != nil {
		return ""
	}
	if g := r.options.DeadLetter; g.queue() == "" {
		return "rabbitmq " + b.where + " " + g.Exchange + " " + g.RoutingKey
	}
	return "rabbitmq " + b.where + " " + r.options.DeadLetter.queue()
}

// Letters begins a look at the dead letters.
func (r *RabbitMQ) Letters(ctx context.Context, _ sdk.LetterOptions) (sdk.Letters, error) {
	if r.options.DeadLetter == nil {
		return nil, errors.New("the options have no dead_letter")
	}
	queue := r.options.DeadLetter.queue()
	if queue == "" {
		return nil, errors.New("dead_letter names an exchange: say in dead_letter.queue which queue the letters come to")
	}
	b, err := newBroker(&r.options, nil)
	if err != nil {
		return nil, err
	}
	conn, err := b.connect(ctx)
	if err != nil {
		return nil, err
	}
	l := &letters{conn: conn, queue: queue}
	if err := l.begin(); err != nil {
		_ = closeSoon(conn)
		return nil, err
	}
	return l, nil
}

func (l *letters) begin() (err error) {
	if l.channel, err = l.conn.Channel(); err != nil {
		return err
	}
	now, err := l.channel.QueueDeclarePassive(l.queue, true, false, false, false, nil)
	if isCode(err, amqp.NotFound) {
		return &refusal{text: "dead_letter: queue " + l.queue + " does not exist"}
	}
	l.left = now.Messages
	return err
}

// lettersAtOnce is how many letters Next returns.
const lettersAtOnce = 64

// Next gets further letters. Those that come meanwhile are for the next look.
func (l *letters) Next(ctx context.Context) ([]sdk.Letter, error) {
	var found []sdk.Letter
	for l.left > 0 && len(found) < lettersAtOnce && ctx.Err() == nil {
		d, ok, err := l.channel.Get(l.queue, false)
		if err != nil {
			return nil, fmt.Errorf("queue %s: %w", l.queue, err)
		}
		if !ok {
			l.left = 0
			break
		}
		l.left--
		found = append(found, letterOf(&d))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, io.EOF
	}
	return found, nil
}

// Headers that quorum queues add to what came back.
const (
	deliveryCount = "x-delivery-count"
	acquiredCount = "x-acquired-count"
)

// returnsMany is how often a letter may come back before that is worth a word: at
// the default limit of RabbitMQ 4, 20, a quorum queue drops it.
const returnsMany = 10

func letterOf(d *amqp.Delivery) sdk.Letter {
	count, counted := numberOf(d.Headers[deliveryCount])
	key, kept := d.Headers[deadKey]
	delete(d.Headers, deliveryCount)
	delete(d.Headers, acquiredCount)
	delete(d.Headers, deadKey)
	l := sdk.Letter{Record: recordOf(d)}
	if kept {
		l.Record.Key = fieldBytes(key)
	}
	if counted && count >= returnsMany {
		l.Warning = fmt.Sprintf("it came back to its queue %d times: a quorum queue drops what reaches its delivery-limit, and each look counts; set the limit to -1, or replay it", count)
	}
	return l
}

func numberOf(value any) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(string(fieldBytes(value))), 10, 64)
	return n, err == nil
}

// Take acknowledges letters. The answer to a question behind the acknowledgements
// says that the broker has read them.
func (l *letters) Take(_ context.Context, taken []sdk.Letter) error {
	for i := range taken {
		if err := l.channel.Ack(taken[i].Record.Position, false); err != nil {
			return err
		}
	}
	_, err := l.channel.QueueDeclarePassive(l.queue, true, false, false, false, nil)
	return err
}

// Close puts back what was not taken.
func (l *letters) Close() error {
	err := l.channel.Nack(0, true, true) // 0: all that is not acknowledged.
	if errors.Is(err, amqp.ErrClosed) {
		err = nil // Then the broker has put it back already.
	}
	return errors.Join(err, closeSoon(l.conn))
}
