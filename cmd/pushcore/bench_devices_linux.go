package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk/wire"
)

// benchWorker runs devices on one thread: one epoll set, no goroutine and no
// buffer for each of them.
type benchWorker struct {
	setup    benchSetup
	address  unix.Sockaddr
	local    bool // the target is on loopback: several addresses may be the source
	out      io.Writer
	commands chan benchCommand
	received *atomic.Uint64 // shared with the bench: deliveries so far
	clock    benchClock

	epoll   int
	devices []benchDevice
	events  [256]unix.EpollEvent
	buf     []byte
	frames  []byte
	push    wire.Push
	now     int64

	dial    int   // the next device to be connected
	opening int   // connections that are being opened
	again   []int // devices to be connected when their time has come
	acks    []int // devices that owe an ack
	ackedAt int64
	beat    int // the next device whose heartbeat is looked at

	report    benchReportLine
	histogram *hdrhistogram.Histogram
	began     int64 // of the measurement
	ranBefore int64
	waiting   string // the command to be answered when all are open
	cutAt     int64  // of a storm; 0: there is none
	progress  int64  // when a connection was opened last, or the command came
}

// benchOpeningMax is how many connections a worker opens at once: fewer than
// backlogs usually hold.
const benchOpeningMax = 512

// Latencies up to a minute, in microseconds, with three digits.
func newBenchHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 60_000_000, 3) }

// benchClock is the machine's monotonic clock, the same for all processes,
// read without a system call.
type benchClock struct {
	base  int64
	start time.Time
}

func newBenchClock() benchClock {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // It cannot fail for this clock.
	return benchClock{ts.Nano(), time.Now()}
}

func (c benchClock) now() int64 { return c.base + int64(time.Since(c.start)) }

// benchSharedFile is the counters' file, which the bench hands down.
func benchSharedFile() *os.File { return os.NewFile(3, "counters") }

// benchSharedBytes is room for the counters, each in a cache line of its own.
const benchSharedBytes = 64 << 10

func mapBenchCounters(f *os.File) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, benchSharedBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func benchCounter(shared []byte, slot int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&shared[64*slot]))
}

// runBenchWorker serves a bench until its input ends.
func runBenchWorker(in io.Reader, out io.Writer, counters *os.File) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	shared, err := mapBenchCounters(counters)
	if err != nil {
		return fmt.Errorf("shared counters: %w", err)
	}
	defer func() { _ = unix.Munmap(shared) }() // The process ends, or the test goes on.
	lines := json.NewDecoder(in)
	w := &benchWorker{out: out, commands: make(chan benchCommand, 1), clock: newBenchClock(), buf: make([]byte, 256<<10), histogram: newBenchHistogram()}
	if err := lines.Decode(&w.setup); err != nil {
		return fmt.Errorf("set-up: %w", err)
	}
	w.received = benchCounter(shared, w.setup.Slot)
	go readBenchCommands(lines, w.commands)
	if err := w.run(); err != nil {
		r := benchReportLine{Error: err.Error()}
		if errors.Is(err, errBenchStuck) {
			r.Unreachable = true
			r.Error = fmt.Sprintf("%d of %d connections are open and %s; the last failure: %s", w.report.Open, len(w.devices), err, w.report.LastBreak)
		}
		return writeBenchReport(out, &r)
	}
	return nil
}

func (w *benchWorker) run() error {
	var err error
	if w.address, w.local, err = resolveBench(w.setup.Target.Address); err != nil {
		return err
	}
	if w.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	defer unix.Close(w.epoll)
	w.devices = make([]benchDevice, w.setup.Connections)
	w.dial = len(w.devices) // Nothing to be connected yet.
	defer w.closeAll()
	for {
		select {
		case c, ok := <-w.commands:
			if !ok {
				return nil
			}
			if err := w.obey(c); err != nil {
				return err
			}
		default:
		}
		if err := w.turn(); err != nil {
			return err
		}
	}
}

// turn waits for events, and then does what is due.
func (w *benchWorker) turn() error {
	n, err := unix.EpollWait(w.epoll, w.events[:], 5)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("epoll: %w", err)
	}
	w.now = w.clock.now()
	for _, e := range w.events[:max(0, n)] {
		if err := w.event(int(e.Fd), e.Events); err != nil {
			return err
		}
	}
	w.received.Store(w.report.Unique)
	w.openMore()
	if w.now-w.ackedAt >= int64(w.setup.AckDelay) {
		w.writeAcks()
	}
	w.heartbeats()
	if w.waiting != "" && w.report.Open == len(w.devices) {
		w.waiting = ""
		return w.answer()
	}
	if w.waiting != "" && w.now-w.progress > int64(benchPatience) {
		return errBenchStuck
	}
	return nil
}

// benchPatience is how long no connection may come about.
const benchPatience = 10 * time.Second

var errBenchStuck = errors.New("no further connection comes about")

func (w *benchWorker) obey(c benchCommand) error {
	w.now = w.clock.now()
	w.progress = w.now
	switch c.Do {
	case benchOpen:
		w.dial, w.waiting = 0, c.Do
	case benchCut:
		w.closeAll()
		w.cutAt, w.dial, w.waiting = w.now, 0, c.Do
	case benchMeasure:
		w.startMeasuring()
		return w.answer()
	case benchReport:
		return w.answer()
	}
	return nil
}

func (w *benchWorker) startMeasuring() {
	w.histogram.Reset()
	w.report = benchReportLine{Open: w.report.Open}
	w.began, w.ranBefore = w.now, threadDemand()
}

// answer writes the counts so far.
func (w *benchWorker) answer() error {
	encoded, err := w.histogram.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return err
	}
	w.report.Histogram = encoded
	if passed := w.clock.now() - w.began; passed > 0 {
		w.report.Busy = float64(threadDemand()-w.ranBefore) / float64(passed)
	}
	return writeBenchReport(w.out, &w.report)
}

// threadDemand is for how many nanoseconds the thread ran, or wanted to run
// and had no CPU.
func threadDemand() int64 {
	b, err := os.ReadFile("/proc/thread-self/schedstat")
	if err != nil {
		return 0
	}
	var sum int64
	for _, field := range strings.Fields(string(b))[:2] {
		n, _ := strconv.ParseInt(field, 10, 64) // The kernel writes numbers.
		sum += n
	}
	return sum
}

// openMore connects devices that are not, few enough at once.
func (w *benchWorker) openMore() {
	for w.dial < len(w.devices) && w.opening < benchOpeningMax {
		w.connect(w.dial)
		w.dial++
	}
	kept := w.again[:0]
	for _, i := range w.again {
		if w.opening < benchOpeningMax && w.devices[i].retryAt <= w.now {
			w.connect(i)
		} else {
			kept = append(kept, i)
		}
	}
	w.again = kept
}

// lose ends a connection that was not to end, and plans another one.
func (w *benchWorker) lose(i int, why error) {
	d := &w.devices[i]
	switch d.phase {
	case benchAway:
		return
	case benchReady:
		w.report.Open--
	default:
		w.opening--
	}
	w.report.Breaks++
	w.report.LastBreak = why.Error()
	w.hangUp(d)
	d.retryAt = max(d.retryAt, w.now) + rand.Int64N(int64(500*time.Millisecond))
	w.again = append(w.again, i)
}

func (w *benchWorker) hangUp(d *benchDevice) {
	_ = unix.Close(int(d.fd)) // It leaves the epoll set by that.
	d.phase, d.in, d.out, d.ackDue = benchAway, nil, nil, false
}

func (w *benchWorker) closeAll() {
	for i := range w.devices {
		if d := &w.devices[i]; d.phase != benchAway {
			w.hangUp(d)
		}
	}
	w.report.Open, w.opening, w.again, w.acks = 0, 0, w.again[:0], w.acks[:0]
}

// writeAcks writes the acks that were collected, one for each device.
func (w *benchWorker) writeAcks() {
	w.ackedAt = w.now
	for _, i := range w.acks {
		if d := &w.devices[i]; d.ackDue {
			d.ackDue = false
			w.write(i, &wire.Ack{Seq: d.seq})
		}
	}
	w.acks = w.acks[:0]
}

// heartbeats looks at some devices each turn, so that all are looked at often
// enough, and pings for those that have said nothing for long.
func (w *benchWorker) heartbeats() {
	for range min(64, len(w.devices)) {
		w.beat = (w.beat + 1) % len(w.devices)
		d := &w.devices[w.beat]
		if d.phase == benchReady && d.heartbeat > 0 && w.now-d.sentAt > d.heartbeat/2 {
			w.write(w.beat, &wire.Ping{})
		}
	}
}
