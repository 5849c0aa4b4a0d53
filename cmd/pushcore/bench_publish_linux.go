package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// benchPublishers push by batches, each publisher one request after the other,
// so that the order of what it pushes is its own.
type benchPublishers struct {
	bench  *bench
	node   *api
	limit  uint64 // of messages; 0: until the duration is over
	starts int64
	ends   int64

	begun    atomic.Uint64 // messages that were taken up
	accepted atomic.Uint64
	refused  atomic.Uint64
	working  []time.Duration // by publisher: what it took to make requests and read answers
	took     time.Duration
}

func newBenchPublishers(b *bench, node *api) *benchPublishers {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = b.options.Publishers
	transport.DisableCompression = true
	own := &api{server: node.server, key: node.key, client: &http.Client{Transport: transport}}
	return &benchPublishers{bench: b, node: own, working: make([]time.Duration, b.options.Publishers)}
}

// run publishes until the duration is over or the limit reached.
func (p *benchPublishers) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer p.node.client.CloseIdleConnections()
	began := time.Now()
	p.starts = p.bench.clock.now()
	p.ends = p.starts + int64(p.bench.options.Duration)
	var running sync.WaitGroup
	for i := range p.bench.options.Publishers {
		running.Go(func() {
			if err := p.publish(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	running.Wait()
	p.took = time.Since(began)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return nil
}

// busy is the largest share of the time that a publisher was busy with itself.
func (p *benchPublishers) busy() float64 {
	var most time.Duration
	for _, w := range p.working {
		most = max(most, w)
	}
	return float64(most) / float64(max(p.took, 1))
}

// publisher is the memory of one of them.
type publisher struct {
	all     *benchPublishers
	index   int
	body    []byte
	sent    uint64   // messages so far
	numbers []uint32 // private: the last number of each of its receivers
	number  uint32   // fanout: the last number
}

// benchBatchBytes bounds a request; the node takes 8 MiB.
const benchBatchBytes = 2 << 20

func (p *benchPublishers) publish(ctx context.Context, index int) error {
	one := publisher{all: p, index: index}
	for {
		wait, err := one.batch(ctx)
		if err != nil || wait < 0 {
			return err
		}
		if wait > 0 {
			if err := sleep(ctx, wait); err != nil {
				return err
			}
		}
	}
}

// batch pushes what is due and allowed. It returns how long to wait for more;
// below zero: there will be none.
func (o *publisher) batch(ctx context.Context) (time.Duration, error) {
	p := o.all
	began := time.Now()
	now := p.bench.clock.now()
	if p.limit == 0 && now >= p.ends {
		return -1, nil
	}
	due, wait := o.due(now)
	if due == 0 {
		return wait, nil
	}
	lines := 0
	o.body = o.body[:0]
	for lines < due && len(o.body) < benchBatchBytes {
		o.appendLine(o.intended(now))
		lines++
	}
	p.begun.Add(uint64(lines))
	p.working[o.index] += time.Since(began)
	return 0, o.post(ctx, lines)
}

// due returns how many messages this publisher shall push now, at most a
// request's worth, or how long there is nothing to do.
func (o *publisher) due(now int64) (int, time.Duration) {
	p, opt := o.all, &o.all.bench.options
	share := uint64(opt.Publishers)
	if p.limit > 0 {
		mine := (p.limit + share - 1 - uint64(o.index)) / share
		if o.sent >= mine {
			return 0, -1
		}
		return int(min(mine-o.sent, batchLines)), 0
	}
	if opt.Rate > 0 {
		each := opt.Rate / float64(share)
		want := uint64(float64(now-p.starts)/1e9*each) + 1
		if want <= o.sent {
			return 0, time.Duration(float64(o.sent)/each*1e9) - time.Duration(now-p.starts)
		}
		return int(min(want-o.sent, batchLines)), 0
	}
	open := int64(p.begun.Load()*p.bench.receivers()) - int64(p.bench.delivered()+p.refused.Load()*p.bench.receivers())
	room := (int64(opt.Outstanding) - open) / int64(p.bench.receivers())
	if room <= 0 {
		return 0, 200 * time.Microsecond
	}
	return int(min(max(room/int64(share), 1), batchLines)), 0
}

// intended is when the next message was meant to be published.
func (o *publisher) intended(now int64) int64 {
	opt := &o.all.bench.options
	if opt.Rate == 0 || o.all.limit > 0 {
		return now
	}
	return o.all.starts + int64(float64(o.sent)*float64(opt.Publishers)/opt.Rate*1e9)
}

// appendLine appends a message. Private ones go to this publisher's receivers
// in turn: those whose index leaves its own when divided by the publishers.
func (o *publisher) appendLine(intended int64) {
	b, opt := o.all.bench, &o.all.bench.options
	stamp := benchStamp{stream: uint8(o.index), intended: intended}
	o.body = append(o.body, `{"to":"`...)
	if opt.Kind == benchFanout {
		o.number++
		stamp.number = o.number
		o.body = wire.Address{Kind: wire.Group, ID: b.group}.AppendTo(o.body)
	} else {
		if o.numbers == nil {
			o.numbers = make([]uint32, (opt.Connections-o.index+opt.Publishers-1)/opt.Publishers)
		}
		turn := int(o.sent % uint64(len(o.numbers)))
		o.numbers[turn]++
		stamp.number = o.numbers[turn]
		o.body = append(append(o.body, "user:bench-"...), b.run...)
		o.body = strconv.AppendInt(append(o.body, '-'), int64(turn*opt.Publishers+o.index), 10)
	}
	o.sent++
	o.body = append(append(append(o.body, `","class":"`...), opt.Class...), `","payload":"`...)
	o.body = append(appendBenchPayload(o.body, stamp, opt.Size), "\"}\n"...)
}

// post sends the batch, again while the node says that it has no room.
func (o *publisher) post(ctx context.Context, lines int) error {
	for {
		status, answer, err := o.request(ctx)
		began := time.Now()
		switch {
		case err != nil:
			return err
		case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
			if err := sleep(ctx, 100*time.Millisecond); err != nil {
				return err
			}
			continue
		case status != http.StatusOK:
			return problemOf(strconv.Itoa(status), answer)
		}
		taken := bytes.Count(answer, []byte(`"status":202`))
		if taken == 0 {
			return fmt.Errorf("the node refuses what is pushed: %.300s", answer)
		}
		o.all.accepted.Add(uint64(taken))
		o.all.refused.Add(uint64(lines - taken))
		o.all.working[o.index] += time.Since(began)
		return nil
	}
}

func (o *publisher) request(ctx context.Context) (int, []byte, error) {
	node := o.all.node
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, node.server+"/v1/push/batch", bytes.NewReader(o.body))
	if err != nil {
		return 0, nil, usage(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if node.key != "" {
		req.Header.Set("Authorization", "Bearer "+node.key)
	}
	res, err := node.client.Do(req)
	if err != nil {
		return 0, nil, unreachable(node.server, err)
	}
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, errors.Join(err, res.Body.Close())
}
