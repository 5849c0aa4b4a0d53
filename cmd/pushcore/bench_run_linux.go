package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// bench is one run.
type bench struct {
	options  benchOptions
	target   benchTarget
	run      string
	group    string
	clock    benchClock
	shared   []byte // the workers' counters
	counters []*atomic.Uint64
	workers  []*benchProcess
	deaf     []net.Conn   // read nothing
	server   *benchServer // nil: it is not on this machine, or not to be seen
	rss0     int64        // the server's memory before the first connection
	result   benchResult
}

// benchProcess is a worker, as the bench sees it.
type benchProcess struct {
	in    io.WriteCloser
	lines *json.Decoder
	wait  func() error
}

func (p *benchProcess) tell(what string) error {
	return json.NewEncoder(p.in).Encode(benchCommand{Do: what})
}

func (p *benchProcess) hear() (benchReportLine, error) {
	var r benchReportLine
	if err := p.lines.Decode(&r); err != nil {
		return r, fmt.Errorf("a device process has ended: %w", errors.Join(err, p.wait()))
	}
	switch {
	case r.Unreachable:
		return r, withExit(exitUnreachable, errors.New(r.Error))
	case r.Error != "":
		return r, errors.New(r.Error)
	}
	return r, nil
}

// runBench measures. With an error, a result that is not nil is what was
// measured until then.
func runBench(ctx context.Context, o benchOptions, node *api) (*benchResult, error) {
	target, err := parseBenchTarget(o.URL)
	if err != nil {
		return nil, usage(err)
	}
	b := &bench{options: o, target: target, run: strconv.FormatUint(rand.Uint64()>>28, 36), clock: newBenchClock()}
	if o.Kind == benchFanout {
		if b.group = o.Group; b.group == "" {
			b.group = "bench-" + b.run
		}
	}
	if b.server, err = findBenchServer(o.ServerPID, target.Address, hostPort(node.server)); err != nil {
		b.note("the server's CPU time and memory are not known: " + err.Error())
	} else {
		b.rss0 = b.server.rss()
	}
	defer b.end()
	if err := b.startWorkers(); err != nil {
		return nil, err
	}
	if _, err := b.all(ctx, benchOpen); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := b.openDeaf(ctx); err != nil {
		return nil, err
	}
	b.result.Connections = o.Connections
	err = b.measure(ctx, node)
	return &b.result, err
}

func (b *bench) note(text string) { b.result.Notes = append(b.result.Notes, text) }

func (b *bench) startWorkers() error {
	fd, err := unix.MemfdCreate("pushcore-bench", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("shared counters: %w", err)
	}
	file := os.NewFile(uintptr(fd), "counters")
	defer file.Close()
	if err := file.Truncate(benchSharedBytes); err != nil {
		return fmt.Errorf("shared counters: %w", err)
	}
	if b.shared, err = mapBenchCounters(file); err != nil {
		return fmt.Errorf("shared counters: %w", err)
	}
	for first := 0; first < b.options.Connections; first += benchPerWorker {
		slot := len(b.workers)
		p, err := startBenchProcess(file)
		if err != nil {
			return fmt.Errorf("start a device process: %w", err)
		}
		b.workers, b.counters = append(b.workers, p), append(b.counters, benchCounter(b.shared, slot))
		setup := benchSetup{Target: b.target, First: first, Connections: min(benchPerWorker, b.options.Connections-first),
			Run: b.run, Group: b.group, AckDelay: b.options.AckDelay, Slot: slot, Storm: b.options.Kind == benchStorm}
		if err := json.NewEncoder(p.in).Encode(setup); err != nil {
			return fmt.Errorf("start a device process: %w", err)
		}
	}
	return nil
}

// startBenchProcess runs this program once more. It is a variable so that
// tests can run workers in their own process.
var startBenchProcess = func(counters *os.File) (*benchProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "bench", "worker")
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, []*os.File{counters}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &benchProcess{in, json.NewDecoder(out), cmd.Wait}, cmd.Start()
}

func (b *bench) end() {
	b.closeDeaf()
	for _, p := range b.workers {
		_ = p.in.Close() // It ends by that.
	}
	for _, p := range b.workers {
		_ = p.wait() // What it had to say was heard.
	}
	if b.shared != nil {
		_ = unix.Munmap(b.shared) // The workers are gone.
	}
}

// all tells all workers the same and adds up what they answer. It waits for
// the answers until ctx ends.
func (b *bench) all(ctx context.Context, what string) (*benchTotal, error) {
	type heard struct {
		line benchReportLine
		err  error
	}
	answers := make(chan heard, len(b.workers))
	for _, p := range b.workers {
		if err := p.tell(what); err != nil {
			return nil, fmt.Errorf("a device process has ended: %w", err)
		}
		go func() {
			line, err := p.hear()
			answers <- heard{line, err}
		}()
	}
	total := &benchTotal{histogram: newBenchHistogram()}
	for range b.workers {
		select {
		case a := <-answers:
			if a.err != nil {
				return nil, a.err
			}
			if err := total.add(&a.line); err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return total, nil
}

// benchTotal is what all workers counted.
type benchTotal struct {
	benchReportLine
	histogram *hdrhistogram.Histogram
}

func (t *benchTotal) add(r *benchReportLine) error {
	t.Open += r.Open
	t.Resumed += r.Resumed
	t.Breaks += r.Breaks
	t.Unique += r.Unique
	t.Repeated += r.Repeated
	t.Misordered += r.Misordered
	t.Corrupt += r.Corrupt
	t.Last = max(t.Last, r.Last)
	t.Busy = max(t.Busy, r.Busy)
	if r.LastBreak != "" {
		t.LastBreak = r.LastBreak
	}
	h, err := hdrhistogram.Decode(r.Histogram)
	if err != nil {
		return fmt.Errorf("latencies: %w", err)
	}
	t.histogram.Merge(h)
	return nil
}

// delivered is how many messages were delivered since the measurement began.
func (b *bench) delivered() uint64 {
	var sum uint64
	for _, c := range b.counters {
		sum += c.Load()
	}
	return sum
}

// benchBusy is the share of the time from which on the generator is called the
// limit.
const benchBusy = 0.85

func (b *bench) measure(ctx context.Context, node *api) error {
	if b.options.Kind == benchStorm {
		return b.storm(ctx, node)
	}
	if _, err := b.all(ctx, benchMeasure); err != nil {
		return err
	}
	cpu, began := b.server.cpu(), b.clock.now()
	var p *benchPublishers
	if b.options.Kind == benchIdle {
		if err := sleep(ctx, b.options.Duration); err != nil {
			return err
		}
	} else {
		p = newBenchPublishers(b, node)
		if err := p.run(ctx); err != nil {
			return err
		}
		b.settle(ctx, p.accepted.Load()*b.receivers())
	}
	total, err := b.all(ctx, benchReport)
	if err != nil {
		return err
	}
	end := total.Last
	if end == 0 {
		end = b.clock.now()
	}
	return b.sum(total, p, cpu, time.Duration(end-began))
}

// receivers is how many deliveries a message owes.
func (b *bench) receivers() uint64 {
	if b.options.Kind == benchFanout {
		return uint64(b.options.Connections)
	}
	return 1
}

// storm cuts all connections and lets them resume, while each user is sent a
// message.
func (b *bench) storm(ctx context.Context, node *api) error {
	if _, err := b.all(ctx, benchMeasure); err != nil {
		return err
	}
	cpu, began := b.server.cpu(), b.clock.now()
	p := newBenchPublishers(b, node)
	p.limit = uint64(b.options.Connections)
	published := make(chan error, 1)
	go func() { published <- p.run(ctx) }()
	_, err := b.all(ctx, benchCut)
	back := time.Duration(b.clock.now() - began)
	if err := errors.Join(err, <-published); err != nil {
		return err
	}
	b.settle(ctx, p.accepted.Load())
	total, err := b.all(ctx, benchReport)
	if err != nil {
		return err
	}
	b.result.Resumed = total.Resumed
	b.note("latencies are from the cut to ACCEPT; each user was sent a message meanwhile")
	return b.sum(total, p, cpu, back)
}

// settle waits until the deliveries are there, or none has come for a while.
func (b *bench) settle(ctx context.Context, want uint64) {
	const patience = 5 * time.Second
	last, since := b.delivered(), time.Now()
	for last < want && time.Since(since) < patience {
		if sleep(ctx, 5*time.Millisecond) != nil {
			return
		}
		if now := b.delivered(); now != last {
			last, since = now, time.Now()
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sum fills the result.
func (b *bench) sum(t *benchTotal, p *benchPublishers, cpu float64, took time.Duration) error {
	r := &b.result
	r.Deliveries, r.Repeated, r.Misordered = t.Unique, t.Repeated, t.Misordered
	r.Seconds = took.Seconds()
	if p != nil {
		r.Messages, r.Refused = p.accepted.Load(), p.refused.Load()
		if owed := r.Messages * b.receivers(); owed > t.Unique {
			r.Lost = owed - t.Unique
		}
	}
	ms := func(quantile float64) float64 { return float64(t.histogram.ValueAtQuantile(quantile)) / 1000 }
	r.P50, r.P99, r.P999 = ms(50), ms(99), ms(99.9)
	if b.server != nil {
		r.ServerCPU, r.ServerRSS = b.server.cpu()-cpu, b.server.rss()
		if r.ServerCPU > 0 {
			r.PerServerCPU = float64(r.Deliveries) / r.ServerCPU
		}
		r.RSSPerConnection = float64(r.ServerRSS-b.rss0) / float64(r.Connections)
	}
	r.GeneratorLimited = t.Busy > benchBusy || (p != nil && p.busy() > benchBusy)
	if t.Breaks > 0 {
		b.note(fmt.Sprintf("%d connections broke unasked, the last because: %s", t.Breaks, t.LastBreak))
	}
	if t.Corrupt > 0 {
		return fmt.Errorf("%d payloads came that this run has not sent, or not so", t.Corrupt)
	}
	return nil
}
