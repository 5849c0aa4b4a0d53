package rabbitmq_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/rabbitmq"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
	"github.com/pushcore/pushcore/test/brokers"
)

func TestConformance(t *testing.T) {
	b := brokers.SharedRabbitMQ(t)
	places := 0
	plugintest.TestMQ(t, plugintest.MQSuite{
		New: func() sdk.MQ { return rabbitmq.New() },
		Broker: func() (plugintest.Broker, error) {
			places++
			return newPlace(b, fmt.Sprintf("conformance-%d", places))
		},
	})
}

// place is some queues, and a proxy that the plugin's connections pass.
type place struct {
	conn     *amqp.Connection
	channel  *amqp.Channel
	tap      *tap
	url      string
	queues   []string
	output   string
	graves   string
	produced map[string]int
	held     [][]byte
}

func newPlace(b *brokers.RabbitBroker, name string) (*place, error) {
	p := &place{queues: []string{name + "-a", name + "-b"}, output: name + "-out", graves: name + "-dead", produced: map[string]int{}}
	var err error
	if p.conn, err = amqp.Dial(b.URL()); err != nil {
		return nil, err
	}
	if p.channel, err = p.conn.Channel(); err == nil {
		err = p.channel.Confirm(false)
	}
	for _, q := range append(p.queues, p.output, p.graves) {
		if err == nil {
			_, err = p.channel.QueueDeclare(q, true, false, false, false, nil)
		}
	}
	if err == nil {
		p.tap, err = newTap(b.Addr())
	}
	if err != nil {
		return nil, errors.Join(err, p.conn.Close())
	}
	p.url = strings.Replace(b.URL(), b.Addr(), p.tap.listener.Addr().String(), 1)
	return p, nil
}

func (p *place) Options() []byte {
	queues, _ := json.Marshal(p.queues) // Texts can be marshalled.
	return fmt.Appendf(nil, `{"url":%q,"input":{"queues":%s},"uplink":{"routing_key":%q},"dead_letter":{"routing_key":%q}}`, p.url, queues, p.output, p.graves)
}

func (p *place) Sources() []string { return p.queues }

func (p *place) Produce(queue string, bodies ...[]byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, body := range bodies {
		c, err := p.channel.PublishWithDeferredConfirmWithContext(ctx, "", queue, true, false, amqp.Publishing{Body: body, DeliveryMode: amqp.Persistent})
		if err != nil {
			return err
		}
		if ok, err := c.WaitContext(ctx); err != nil || !ok {
			return fmt.Errorf("not confirmed: %w", err)
		}
		p.produced[queue]++
	}
	return nil
}

// Waiting counts what was not acknowledged: the broker itself does not tell.
func (p *place) Waiting(queue string) (int, error) {
	return p.produced[queue] - p.tap.acked(queue), nil
}

func (p *place) Published(sdk.Output) ([][]byte, error) {
	for {
		d, ok, err := p.channel.Get(p.output, true)
		if err != nil || !ok {
			return p.held, err
		}
		p.held = append(p.held, d.Body)
	}
}

func (p *place) Cut() error { p.tap.cut(); return nil }

// Reassign is Cut: a queue begins another epoch with another connection.
func (p *place) Reassign() error { return p.Cut() }

func (p *place) Close() error { return errors.Join(p.tap.close(), p.conn.Close()) }

// tap is a proxy that reads along: which deliveries were acknowledged.
type tap struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu    sync.Mutex // guards everything following
	conns map[net.Conn]bool
	done  map[string]int // acknowledged, by queue
}

func newTap(target string) (*tap, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &tap{listener: l, target: target, conns: map[net.Conn]bool{}, done: map[string]int{}}
	p.running.Go(p.accept)
	return p, nil
}

func (p *tap) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close() // The plugin tries again.
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[broker] = true, true
		p.mu.Unlock()
		c := &tapped{tap: p, queues: map[delivery]string{}}
		p.running.Go(func() { c.pipe(broker, client, c.delivered, 0) })
		p.running.Go(func() { c.pipe(client, broker, c.acknowledged, len("AMQP0091")) })
	}
}

func (p *tap) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // That is the point.
	}
	clear(p.conns)
}

func (p *tap) close() error {
	err := p.listener.Close()
	p.cut()
	p.running.Wait()
	return err
}

func (p *tap) acked(queue string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done[queue]
}

// tapped is one connection through the tap.
type tapped struct {
	tap    *tap
	queues map[delivery]string // guarded by tap.mu: delivered, not acknowledged
}

type delivery struct {
	channel uint16
	tag     uint64
}

// pipe copies frames and shows the methods among them.
func (c *tapped) pipe(from, to net.Conn, see func(channel uint16, method []byte), preamble int) {
	defer func() { _, _ = from.Close(), to.Close() }() // One side's end is the other's.
	if _, err := io.CopyN(to, from, int64(preamble)); err != nil {
		return
	}
	for {
		var head [7]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint32(head[3:])+1)
		if _, err := io.ReadFull(from, frame); err != nil {
			return
		}
		if head[0] == 1 {
			see(binary.BigEndian.Uint16(head[1:]), frame)
		}
		if _, err := to.Write(append(head[:], frame...)); err != nil {
			return
		}
	}
}

// Methods of class basic.
const (
	basicDeliver = 60<<16 | 60
	basicAck     = 60<<16 | 80
)

func (c *tapped) delivered(channel uint16, m []byte) {
	if binary.BigEndian.Uint32(m) != basicDeliver {
		return
	}
	m = m[4:]
	m = m[1+m[0]:] // consumer tag
	tag := binary.BigEndian.Uint64(m)
	m = m[9:]      // tag, redelivered
	m = m[1+m[0]:] // exchange
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	c.queues[delivery{channel, tag}] = string(m[1 : 1+m[0]])
}

func (c *tapped) acknowledged(channel uint16, m []byte) {
	if binary.BigEndian.Uint32(m) != basicAck {
		return
	}
	last, multiple := binary.BigEndian.Uint64(m[4:]), m[12]&1 != 0
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	for d, queue := range c.queues {
		if d.channel == channel && (d.tag == last || multiple && d.tag < last) {
			c.tap.done[queue]++
			delete(c.queues, d)
		}
	}
}
