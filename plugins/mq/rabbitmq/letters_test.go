package rabbitmq

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/mqtest"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/test/brokers"
)

func configured(t *testing.T, format string, args ...any) *RabbitMQ {
	t.Helper()
	r := New()
	mqtest.Configure(t, r, fmt.Sprintf(format, args...))
	return r
}

// look opens a look and reads all letters.
func look(t *testing.T, r *RabbitMQ) (sdk.Letters, []sdk.Letter) {
	t.Helper()
	l, err := r.Letters(t.Context(), sdk.LetterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all []sdk.Letter
	for {
		found, err := l.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return l, all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
}

func bodies(letters []sdk.Letter) (all []string) {
	for _, l := range letters {
		all = append(all, string(l.Record.Body))
	}
	return all
}

func TestLetterStaysUntilItIsTakenAlthoughItIsWritten(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	push, dead := name(t, "push"), name(t, "dead")
	declare(t, b.URL(), push, nil)
	declare(t, b.URL(), dead, nil)
	send(t, b.URL(), dead, numbered("letter", 3)...)
	r := configured(t, `{"url":%q,"input":{"queues":[%q]},"dead_letter":{"routing_key":%q}}`, b.URL(), push, dead)
	l, all := look(t, r)
	in, err := r.Input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, err := range in.Write(t.Context(), []sdk.InputRecord{{Source: push, Body: all[1].Record.Body}, {Source: "no such queue", Body: all[2].Record.Body}}) {
		if err != nil {
			t.Error(err)
		}
	}
	checkLeft(t, b.URL(), push, 2)
	l.(*letters).conn.Close() // As when the process is killed.
	l, again := look(t, r)
	if fmt.Sprint(bodies(again)) != "[letter0 letter1 letter2]" {
		t.Errorf("what was not taken is %q", bodies(again))
	}
	if err := l.Take(t.Context(), again[1:2]); err != nil {
		t.Fatal(err)
	}
	l.(*letters).conn.Close() // Taken is taken.
	l, again = look(t, r)
	if fmt.Sprint(bodies(again)) != "[letter0 letter2]" {
		t.Errorf("left are %q", bodies(again))
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	checkLeft(t, b.URL(), dead, 2)
}

func TestLetterKeepsTheKeyOfItsRecord(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	exchange, dead := name(t, "exchange"), name(t, "dead")
	declare(t, b.URL(), dead, nil)
	with(t, b.URL(), func(ch *amqp.Channel) error {
		return errors.Join(ch.ExchangeDeclare(exchange, "topic", true, false, false, false, nil), ch.QueueBind(dead, "#", exchange, false, nil))
	})
	for name, c := range map[string]struct{ output, key string }{
		"default exchange": {fmt.Sprintf(`{"routing_key":%q}`, dead), "alice"},
		"key is routed by": {fmt.Sprintf(`{"exchange":%q,"queue":%q}`, exchange, dead), "bob"},
		"exchange and key": {fmt.Sprintf(`{"exchange":%q,"routing_key":"graves","queue":%q}`, exchange, dead), "carol\xff"},
	} {
		options := fmt.Sprintf(`{"url":%q,"dead_letter":%s}`, b.URL(), c.output)
		n := newNode(t, options).open(t)
		n.publish(sdk.Outgoing{ID: 1, Output: sdk.OutputDeadLetter, Key: []byte(c.key), Body: []byte("x"), Headers: []sdk.Header{{Name: "push-dead-reason", Value: []byte("refused")}}})
		n.Await("an answer", func() bool { return n.Results() == 1 })
		l, all := look(t, configured(t, "%s", options))
		if len(all) != 1 || string(all[0].Record.Key) != c.key || len(all[0].Record.Headers) != 1 {
			t.Errorf("%s: the letters are %+v", name, all)
		}
		if err := errors.Join(l.Take(t.Context(), all), l.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := configured(t, `{"url":%q,"dead_letter":{"exchange":%q}}`, b.URL(), exchange)
	if _, err := r.Letters(t.Context(), sdk.LetterOptions{}); err == nil || !strings.Contains(err.Error(), "dead_letter.queue") {
		t.Errorf("an exchange without a queue: %v", err)
	}
	r = configured(t, `{"url":%q,"dead_letter":{"routing_key":"nowhere"}}`, b.URL())
	if _, err := r.Letters(t.Context(), sdk.LetterOptions{}); err == nil || !strings.Contains(err.Error(), "nowhere does not exist") {
		t.Errorf("a queue that does not exist: %v", err)
	}
}

func TestLettersThatCameBackOftenAreWarnedOf(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	dead := name(t, "dead")
	declare(t, b.URL(), dead, amqp.Table{"x-queue-type": "quorum"})
	b.WaitQuorumQueue(dead)
	send(t, b.URL(), dead, numbered("letter", 2)...)
	r := configured(t, `{"url":%q,"dead_letter":{"routing_key":%q}}`, b.URL(), dead)
	for n := range returnsMany + 1 {
		awaitReady(t, b.URL(), dead, 2) // They come back some time after they were given back.
		l, all := look(t, r)
		if fmt.Sprint(bodies(all)) != "[letter0 letter1]" {
			t.Fatalf("look %d: the letters are %q", n, bodies(all))
		}
		if warned := all[0].Warning != ""; warned != (n >= returnsMany) || len(all[0].Record.Headers) > 0 {
			t.Errorf("look %d: %+v", n, all[0])
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitReady waits until so many records can be got from a queue.
func awaitReady(t *testing.T, url, queue string, want int) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.After(20 * time.Second)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		q, err := ch.QueueDeclarePassive(queue, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
		if err != nil {
			t.Fatal(err)
		}
		if q.Messages == want {
			return
		}
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("%d records are ready, want %d", q.Messages, want)
		}
	}
}

func TestRecordThatIsTooLargeForTheInputStopsNoOther(t *testing.T) {
	b := brokers.RabbitMQ(t, brokers.Setting("max_message_size", "5000"))
	declare(t, b.URL(), "push", nil)
	in, err := configured(t, "%s", input(b.URL(), "", "push")).Input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	records := make([]sdk.InputRecord, 20)
	for i := range records {
		records[i].Body = fmt.Appendf(nil, "%d", i)
	}
	records[7].Body = slices.Repeat([]byte("x"), 6000)
	for i, err := range in.Write(t.Context(), records) {
		if (err != nil) != (i == 7) {
			t.Errorf("record %d: %v", i, err)
		}
	}
	with(t, b.URL(), func(ch *amqp.Channel) error {
		_, err := ch.QueueDelete("push", false, false, false)
		return err
	})
	if err := in.Write(t.Context(), records[:1])[0]; err == nil || !strings.Contains(err.Error(), "push") {
		t.Errorf("a queue that is gone: %v", err)
	}
}
