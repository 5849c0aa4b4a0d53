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

// inputWriter writes records to the queues of the input, by the default exchange.
type inputWriter struct {
	conn   *amqp.Connection
	queues []string

	channel *amqp.Channel // nil: the broker closed the last one
	closed  chan *amqp.Error
	returns chan amqp.Return
}

// Input opens a way to write to the input's queues.
func (r *RabbitMQ) Input(ctx context.Context) (sdk.InputWriter, error) {
	if r.options.Input == nil {
		return nil, errors.New("the options have no input")
	}
	b, err := newBroker(&r.options, nil)
	if err != nil {
		return nil, err
	}
	conn, err := b.connect(ctx)
	if err != nil {
		return nil, err
	}
	return &inputWriter{conn: conn, queues: r.options.Input.Queues}, nil
}

// writtenAtOnce is how many records are under way. The library's reader waits for
// nobody: there is room for as many returns.
const writtenAtOnce = 256

// Write publishes records, each to the queue where it stood. A broker that refuses
// a record closes the channel: then those under way are written one by one, so
// that the others do not suffer.
func (w *inputWriter) Write(ctx context.Context, records []sdk.InputRecord) []error {
	failed := make([]error, 0, len(records))
	for chunk := range slices.Chunk(records, writtenAtOnce) {
		errs := w.publish(ctx, chunk)
		if w.channel == nil && len(chunk) > 1 {
			for i := range chunk {
				if errs[i] != nil {
					errs[i] = w.publish(ctx, chunk[i:i+1])[0]
				}
			}
		}
		failed = append(failed, errs...)
	}
	return failed
}

// publish publishes records and waits for their confirmation.
func (w *inputWriter) publish(ctx context.Context, records []sdk.InputRecord) []error {
	failed := make([]error, len(records))
	fail := func(err error) []error {
		for i := range failed {
			failed[i] = err
		}
		return failed
	}
	if err := w.open(); err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, outbox.Timeout)
	defer cancel()
	confirmations := make([]*amqp.DeferredConfirmation, len(records))
	for i := range records {
		r := &records[i]
		message := publishing(&sdk.Outgoing{Headers: r.Headers, Body: r.Body}, strconv.Itoa(i))
		confirmations[i], failed[i] = w.channel.PublishWithDeferredConfirm("", w.queue(r.Source), true, false, message)
	}
	for i, c := range confirmations {
		if failed[i] != nil {
			continue
		}
		taken, err := c.WaitContext(ctx)
		switch {
		case err != nil:
			failed[i] = fmt.Errorf("the broker did not confirm it: %w", err)
		case !taken:
			failed[i] = errors.New("the broker could not keep it")
		}
	}
	w.noteReturns(failed)
	if w.channel.IsClosed() {
		w.channel = nil
		w.explain(failed)
	}
	return failed
}

// explain gives the broker's reason for closing the channel to those that failed.
func (w *inputWriter) explain(failed []error) {
	select {
	case reason := <-w.closed:
		for i := range failed {
			if failed[i] != nil && reason != nil {
				failed[i] = reason
			}
		}
	case <-time.After(closeTimeout):
	}
}

// noteReturns takes what the broker returned: it does so before it confirms.
func (w *inputWriter) noteReturns(failed []error) {
	for {
		select {
		case r, ok := <-w.returns:
			if !ok {
				return
			}
			if i, err := strconv.Atoi(r.CorrelationId); err == nil && i < len(failed) {
				failed[i] = fmt.Errorf("queue %s does not take it: %s", r.RoutingKey, r.ReplyText)
			}
		default:
			return
		}
	}
}

// open sees to it that there is a channel.
func (w *inputWriter) open() error {
	if w.channel != nil {
		return nil
	}
	ch, err := w.conn.Channel()
	if err != nil {
		return err
	}
	if err := ch.Confirm(false); err != nil {
		return err
	}
	w.channel = ch
	w.closed, w.returns = ch.NotifyClose(make(chan *amqp.Error, 1)), ch.NotifyReturn(make(chan amqp.Return, writtenAtOnce))
	return nil
}

// queue is where a record stood, if that still is an input.
func (w *inputWriter) queue(source string) string {
	if slices.Contains(w.queues, source) {
		return source
	}
	return w.queues[0]
}

// Close ends the connection.
func (w *inputWriter) Close() error { return closeSoon(w.conn) }

func closeSoon(conn *amqp.Connection) error {
	err := conn.CloseDeadline(time.Now().Add(closeTimeout))
	if errors.Is(err, amqp.ErrClosed) {
		return nil
	}
	return err
}
