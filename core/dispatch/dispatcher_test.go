package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mailboxes are bounded mailboxes of fake loops.
type mailboxes struct {
	mu      sync.Mutex // guards what follows
	max     int
	inputs  [][]envelope.Input
	refused int
	posted  chan struct{}
}

func newMailboxes(loops, most int) *mailboxes {
	return &mailboxes{max: most, inputs: make([][]envelope.Input, loops), posted: make(chan struct{}, 1)}
}

func (m *mailboxes) Post(loop int, in []envelope.Input) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.inputs[loop])+len(in) > m.max {
		m.refused++
		return false
	}
	m.inputs[loop] = append(m.inputs[loop], in...)
	select {
	case m.posted <- struct{}{}:
	default:
	}
	return true
}

// answer takes what was posted and reports it safe.
func (m *mailboxes) answer(d *Dispatcher) (handled int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for loop, in := range m.inputs {
		for _, one := range in {
			if deliver, ok := one.(*envelope.Deliver); ok {
				handled++
				d.Report([]envelope.Report{
					{Kind: envelope.ReportOwed, Loop: loop, Record: deliver.Message.Record, Pairs: 1},
					{Kind: envelope.ReportSafe, Loop: loop, Record: deliver.Message.Record}})
			}
		}
		m.inputs[loop] = nil
	}
	return handled
}

// hosts records the effects.
type hosts struct {
	mu      sync.Mutex // guards what follows
	settled []admit.Settled
	pauses  []admit.Pause
	resumes []admit.Resume
	letters []admit.Letter
	dead    []admit.Dead
	news    chan struct{}
}

func newHosts() *hosts { return &hosts{news: make(chan struct{}, 1)} }

func (h *hosts) note(f func()) {
	h.mu.Lock()
	f()
	h.mu.Unlock()
	select {
	case h.news <- struct{}{}:
	default:
	}
}

func (h *hosts) Settle(_ int, s []admit.Settled) {
	h.note(func() { h.settled = append(h.settled, s...) })
}
func (h *hosts) Pause(p admit.Pause)      { h.note(func() { h.pauses = append(h.pauses, p) }) }
func (h *hosts) Resume(r admit.Resume)    { h.note(func() { h.resumes = append(h.resumes, r) }) }
func (h *hosts) Publish(l []admit.Letter) { h.note(func() { h.letters = append(h.letters, l...) }) }
func (h *hosts) Dead(d admit.Dead)        { h.note(func() { h.dead = append(h.dead, d) }) }

func (h *hosts) await(what func() bool) {
	for {
		h.mu.Lock()
		ok := what()
		h.mu.Unlock()
		if ok {
			return
		}
		<-h.news
	}
}

func startDispatcher(t *testing.T, boxes *mailboxes, out *hosts, change ...func(*Config)) *Dispatcher {
	cfg := Config{Loops: boxes, Outside: out, State: StateConfig{Loops: len(boxes.inputs), Owner: ownerOf(len(boxes.inputs)),
		Admit: admit.Config{Instances: []admit.Instance{{Name: "orders", DeadLetter: true}}}}}
	for _, c := range change {
		c(&cfg)
	}
	d := NewDispatcher(cfg)
	d.Start()
	t.Cleanup(d.Close)
	return d
}

func someRecords(n int) (records []admit.Parsed) {
	for i := range n {
		records = append(records, parsed(uint64(i+1), fmt.Sprintf("push-to: user:u%d", i%10)))
	}
	return records
}

func TestDispatcherTakesPostsAndSettles(t *testing.T) {
	boxes, out := newMailboxes(3, PostMax), newHosts()
	d := startDispatcher(t, boxes, out)
	const sources, batches, each = 4, 20, 50
	var shards, callers sync.WaitGroup
	stop := make(chan struct{})
	shards.Go(func() {
		for {
			select {
			case <-boxes.posted:
				boxes.answer(d)
				d.Space()
			case <-stop:
				return
			}
		}
	})
	for n := range sources {
		callers.Go(func() {
			source := fmt.Sprint("push/", n)
			d.Assigned(0, source, 1)
			for range batches {
				if err := d.Batch(context.Background(), 0, source, 1, someRecords(each)); err != nil {
					t.Errorf("Batch: %v", err)
				}
			}
		})
	}
	callers.Wait()
	out.await(func() bool { return len(out.settled) == sources*batches*each })
	stats, err := d.Stats(context.Background())
	if err != nil || stats.Instances[0].Open != 0 || stats.Waiting != 0 || stats.Instances[0].WithoutID != sources*batches*each {
		t.Errorf("stats %+v, %v", stats, err)
	}
	close(stop)
	shards.Wait()
}

func TestFullMailboxIsTriedAgainByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boxes, out := newMailboxes(1, PostMax), newHosts()
		d := startDispatcher(t, boxes, out, func(c *Config) { c.State.OutboundMax = 10 })
		d.Assigned(0, "a", 1)
		if err := d.Batch(t.Context(), 0, "a", 1, someRecords(PostMax)); err != nil {
			t.Fatal(err)
		}
		second := make(chan error)
		go func() { second <- d.Batch(context.Background(), 0, "a", 1, someRecords(20)) }()
		synctest.Wait()
		boxes.mu.Lock()
		refused := boxes.refused
		boxes.inputs[0] = nil // there is space, and nobody says so
		boxes.mu.Unlock()
		if refused == 0 {
			t.Error("the mailbox was never full")
		}
		select {
		case <-second:
			t.Error("the batch was taken although its loop has no space")
		default:
		}
		if err := <-second; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		d.Close()
	})
}

func TestBatchEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boxes, out := newMailboxes(1, 1000), newHosts()
		d := startDispatcher(t, boxes, out, func(c *Config) {
			c.State.Admit.Instances[0].MaxOpen.Records = 2
			c.BatchesMax = 1
		})
		d.Assigned(0, "a", 1)
		if err := d.Batch(t.Context(), 0, "a", 1, someRecords(2)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := d.Batch(ctx, 0, "a", 1, someRecords(3)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a batch that waits for room: %v", err)
		}
		// The slot is free again. A batch of which a part was taken is not canceled.
		boxes.answer(d)
		synctest.Wait()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := d.Batch(ctx, 0, "a", 1, someRecords(3)); err != nil {
			t.Errorf("a batch that was taken in part: %v", err)
		}
		if ctx.Err() == nil {
			t.Error("it did not wait")
		}
		// Its rest holds the only slot, until it is taken.
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		third := make(chan error)
		go func() { third <- d.Batch(ctx, 0, "a", 1, someRecords(1)) }()
		synctest.Wait()
		if stats, err := d.Stats(t.Context()); err != nil || stats.Waiting != 1 {
			t.Errorf("%d batches wait with the dispatcher, %v; BatchesMax is 1", stats.Waiting, err)
		}
		if err := <-third; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a batch beyond BatchesMax: %v", err)
		}
		boxes.answer(d)
		synctest.Wait()
		boxes.answer(d)
		synctest.Wait()
		out.await(func() bool { return len(out.settled) == 5 })
		if len(out.pauses) == 0 || len(out.resumes) != len(out.pauses) {
			t.Errorf("pauses %+v, resumes %+v", out.pauses, out.resumes)
		}
		d.Close()
	})
}

func TestLetterIsPublishedAgainByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boxes, out := newMailboxes(1, 1000), newHosts()
		d := startDispatcher(t, boxes, out)
		d.Assigned(0, "a", 1)
		bad := parsed(1, "push-to: user:u0")
		bad.Message, bad.Err = nil, &admit.Error{Reason: envelope.BadRecord, Detail: "is bad"}
		if err := d.Batch(t.Context(), 0, "a", 1, []admit.Parsed{bad}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		begin := time.Now()
		d.Published(out.letters[0].Token, "away", false)
		out.await(func() bool { return len(out.letters) == 2 })
		if took := time.Since(begin); took < time.Second || took > 1100*time.Millisecond {
			t.Errorf("published again after %v", took)
		}
		d.Published(out.letters[1].Token, "", false)
		out.await(func() bool { return len(out.settled) == 1 })
		d.Close()
	})
}

func TestCloseAnswersEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boxes, out := newMailboxes(1, 1000), newHosts()
		d := startDispatcher(t, boxes, out, func(c *Config) { c.State.Admit.Instances[0].MaxOpen.Records = 1 })
		d.Assigned(0, "a", 1)
		const callers = 5
		ended := make(chan error, callers)
		for range callers {
			go func() { ended <- d.Batch(context.Background(), 0, "a", 1, someRecords(2)) }()
		}
		synctest.Wait()
		d.Close()
		taken := 0
		for range callers {
			err := <-ended
			if !errors.Is(err, ErrStopped) {
				t.Errorf("a batch that waited: %v", err)
			}
			var part *PartError
			if errors.As(err, &part) {
				taken += part.Taken
			}
		}
		if taken != 1 {
			t.Errorf("%d records are said to be taken, want the one that there was room for", taken)
		}
		if err := d.Batch(t.Context(), 0, "a", 1, someRecords(1)); !errors.Is(err, ErrStopped) {
			t.Errorf("a batch after Close: %v", err)
		}
		if _, err := d.Stats(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("Stats after Close: %v", err)
		}
	})
}

func TestStopIngressLetsWhatIsOpenSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boxes, out := newMailboxes(1, 1000), newHosts()
		d := startDispatcher(t, boxes, out)
		d.Assigned(0, "a", 1)
		if err := d.Batch(t.Context(), 0, "a", 1, someRecords(3)); err != nil {
			t.Fatal(err)
		}
		d.StopIngress()
		if err := d.Batch(t.Context(), 0, "a", 1, someRecords(1)); !errors.Is(err, ErrStopped) {
			t.Errorf("a batch after StopIngress: %v", err)
		}
		synctest.Wait()
		boxes.answer(d)
		out.await(func() bool { return len(out.settled) == 3 })
		d.Close()
	})
}
