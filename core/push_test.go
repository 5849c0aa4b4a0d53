package core

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

// batchFunc plays the dispatcher.
type batchFunc func(ctx context.Context, records []admit.Parsed) error

func (f batchFunc) Batch(ctx context.Context, _ int, _ string, _ uint64, records []admit.Parsed) error {
	return f(ctx, records)
}

func pushesTo(f batchFunc, store error) *pushes {
	p := newPushes(admit.Policy{Plugin: "http", TTL: time.Hour, PayloadMax: 1 << 20, Push: true, Control: true}, func() error { return store })
	p.dispatcher = f
	return p
}

func pushRecords(p *pushes, classes ...string) []admin.PushResult {
	var records []sdk.Record
	for i, class := range classes {
		records = append(records, sdk.Record{Body: []byte("x"), Headers: []sdk.Header{
			{Name: "push-to", Value: []byte("user:a")}, {Name: "push-id", Value: fmt.Append(nil, "m", i)}, {Name: "push-class", Value: []byte(class)}}})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return p.push(ctx, records, admin.Input{Push: true, Control: true})
}

func settledAt(position uint64, how envelope.How) []admit.Settled {
	return []admit.Settled{{Position: position, ID: fmt.Sprint("m", position-1), How: how, Acked: how == envelope.HowAcked}}
}

func TestStopInTheMiddleOfABatchRefusesOnlyWhatWasNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *pushes
		p = pushesTo(func(context.Context, []admit.Parsed) error {
			p.settled(settledAt(1, envelope.HowAcked))
			time.AfterFunc(time.Second, func() { p.settled(settledAt(2, envelope.HowStored)) })
			return &dispatch.PartError{Taken: 2, Err: dispatch.ErrStopped}
		}, nil)
		got := pushRecords(p, "reliable", "reliable", "reliable")
		if got[0].Safe != "acked" || got[1].Safe != "stored" || got[2].Code != "draining" {
			t.Errorf("got %+v", got)
		}
		if len(p.waiting) > 0 {
			t.Errorf("positions are kept of requests that are over: %v", p.waiting)
		}
	})
}

func TestStopBeforeABatchRefusesAllOfIt(t *testing.T) {
	p := pushesTo(func(context.Context, []admit.Parsed) error { return dispatch.ErrStopped }, nil)
	for _, r := range pushRecords(p, "reliable", "fast") {
		if r.Code != "draining" || r.RetryAfter == 0 {
			t.Errorf("got %+v", r)
		}
	}
}

// TestBoundIsAnsweredAtOnce plays requests of which the first meets the bound, one
// waits behind it, and one comes later.
func TestBoundIsAnsweredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pushesTo(func(ctx context.Context, _ []admit.Parsed) error {
			<-ctx.Done()
			return ctx.Err()
		}, nil)
		began := time.Now()
		answers := make(chan []admin.PushResult, 2)
		for range 2 {
			go func() { answers <- pushRecords(p, "reliable") }()
		}
		synctest.Wait()
		p.pause()
		for _, got := range [][]admin.PushResult{<-answers, <-answers, pushRecords(p, "reliable")} {
			if got[0].Code != "overloaded" || got[0].RetryAfter == 0 || got[0].Status() != 503 {
				t.Errorf("got %+v", got)
			}
		}
		if waited := time.Since(began); waited > 0 { // By the clock of synctest: nobody has slept.
			t.Errorf("callers waited %v for their answers", waited)
		}
		p.dispatcher = batchFunc(func(context.Context, []admit.Parsed) error {
			p.settled(settledAt(2, envelope.HowAcked))
			return nil
		})
		p.resume()
		if got := pushRecords(p, "reliable"); got[0].Safe != "acked" {
			t.Errorf("after the bound: %+v", got)
		}
	})
}

func TestBusyDispatcherIsAnsweredSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pushesTo(func(ctx context.Context, _ []admit.Parsed) error {
			<-ctx.Done()
			return ctx.Err()
		}, nil)
		began := time.Now()
		if got := pushRecords(p, "reliable"); got[0].Code != "overloaded" {
			t.Errorf("got %+v", got)
		}
		if waited := time.Since(began); waited != handTime {
			t.Errorf("the caller waited %v, want %v", waited, handTime)
		}
	})
}

func TestStoreThatRefusesIsSaid(t *testing.T) {
	p := pushesTo(nil, errors.New("the disk is full"))
	p.dispatcher = batchFunc(func(_ context.Context, records []admit.Parsed) error {
		if len(records) != 1 || records[0].Message.Class != sdk.Fast {
			t.Errorf("%d records were handed over, want the fast one", len(records))
		}
		p.settled([]admit.Settled{{Position: 1, ID: "m1", Class: sdk.Fast}})
		return nil
	})
	got := pushRecords(p, "reliable", "fast")
	if r := got[0]; r.Code != "store_unavailable" || r.Status() != 503 || r.RetryAfter == 0 || r.ID != "m0" || r.Detail != "the disk is full" {
		t.Errorf("got %+v", r)
	}
	if got[1].Safe != "none" {
		t.Errorf("a fast message needs no store: %+v", got[1])
	}
}

func TestAnswerIsHonestAboutWhoHasIt(t *testing.T) {
	for _, c := range []struct {
		settled admit.Settled
		want    string
	}{
		{admit.Settled{ID: "m", How: envelope.HowAcked, Acked: true}, "acked"},
		{admit.Settled{ID: "m", How: envelope.HowEnded, Acked: true}, "acked"}, // Others were withdrawn, or dropped.
		{admit.Settled{ID: "m", How: envelope.HowEnded}, "none"},
		{admit.Settled{ID: "m", How: envelope.HowAcked}, "none"}, // It reached nobody.
		{admit.Settled{ID: "m", How: envelope.HowStored, Acked: true}, "stored"},
		{admit.Settled{ID: "m", How: envelope.HowMemory}, "memory"},
		{admit.Settled{ID: "m", Class: sdk.Fast, How: envelope.HowAcked, Acked: true}, "none"},
		{admit.Settled{How: envelope.HowAcked}, "acked"}, // An operation.
	} {
		if got := safeWord(&c.settled); got != c.want {
			t.Errorf("%+v is answered %s, want %s", c.settled, got, c.want)
		}
	}
}
