package memory

import (
	"fmt"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

func crashConfig(sink store.Sink) Config {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return Config{Owner: func(string) int { return 0 }, Sink: sink, Now: func() time.Time { return now }, Durable: true, Manual: true}
}

func putOne(order uint64, record envelope.RecordID) store.Op {
	m := &envelope.Message{ID: fmt.Sprint("m", order), Record: record, ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	return store.Op{Kind: store.Put, Token: order, User: "u", Order: order, Message: m, Receivers: []store.Receiver{{Device: "x"}}}
}

func TestCrashKeepsWhatWasAnsweredAndMayKeepMore(t *testing.T) {
	for kept := range 4 {
		answers := 0
		cfg := crashConfig(func(_ int, a []store.Answer) { answers += len(a) })
		s := Open(cfg)
		for order := uint64(1); order <= 5; order++ {
			s.Submit([]store.Op{putOne(order, 77)})
		}
		s.Step(2)
		if answers != 2 || s.Queued() != 3 {
			t.Fatalf("Step(2) gave %d answers and left %d operations", answers, s.Queued())
		}
		s = s.Crash(kept, cfg)
		if s.Census() != 2+kept || answers != 2 || s.Queued() != 0 {
			t.Errorf("after a crash with %d more applied: %d pairs, %d answers, %d queued", kept, s.Census(), answers, s.Queued())
		}
		if s.HighestOrder() != uint64(2+kept) {
			t.Errorf("HighestOrder is %d, want %d", s.HighestOrder(), 2+kept)
		}
		for c := range s.Carried() {
			if c.User != "u" || c.Pairs != 2+kept || c.Messages != 2+kept {
				t.Errorf("carried %+v", c)
			}
		}
	}
}

func TestCrashForgetsTheRecordsOfMessages(t *testing.T) {
	var page []store.Entry
	cfg := crashConfig(func(_ int, a []store.Answer) { page = a[len(a)-1].Entries })
	s := Open(cfg)
	op := putOne(1, 77)
	s.Submit([]store.Op{op})
	s.Step(1)
	s = s.Crash(0, cfg)
	s.Submit([]store.Op{{Kind: store.Page, User: "u", Device: "x"}})
	s.Step(1)
	if len(page) != 1 || page[0].Message.Record != 0 || op.Message.Record != 77 {
		t.Errorf("page %+v; the message of the old run has record %d", page, op.Message.Record)
	}
}

func TestOperationThatFailsTakesThoseBehindItAlong(t *testing.T) {
	var got []store.Answer
	cfg := crashConfig(func(_ int, a []store.Answer) { got = append(got, a...) })
	failing := true
	cfg.Fail = func(*store.Op) error {
		if failing {
			return fmt.Errorf("disk full")
		}
		return nil
	}
	s := Open(cfg)
	do := func(op store.Op) error {
		got = got[:0]
		s.Submit([]store.Op{op})
		s.Step(1)
		if len(got) != 1 || got[0].Token != op.Token {
			t.Fatalf("answers %+v", got)
		}
		return got[0].Err
	}
	if do(putOne(1, 0)) == nil {
		t.Error("the failure is not told")
	}
	failing = false
	if do(putOne(2, 0)) == nil {
		t.Error("what came behind the failure is done: a hole")
	}
	other := putOne(3, 0)
	other.User = "another"
	if err := do(other); err != nil {
		t.Errorf("another user: %v", err)
	}
	if err := do(store.Op{Kind: store.Page, User: "u", Device: "x"}); err != nil {
		t.Errorf("page: %v", err)
	}
	again := putOne(1, 0)
	again.Retry = true
	if err := do(again); err != nil {
		t.Errorf("tried again: %v", err)
	}
	if err := do(putOne(2, 0)); err != nil {
		t.Errorf("behind it: %v", err)
	}
	if s.Census() != 3 {
		t.Errorf("census %d", s.Census())
	}
}

func BenchmarkPutAndRemove(b *testing.B) {
	cfg := crashConfig(func(int, []store.Answer) {})
	s := Open(cfg)
	m := putOne(1, 0).Message
	receivers := []store.Receiver{{Device: "x"}}
	ops := make([]store.Op, 2)
	var order uint64
	b.ReportAllocs()
	for b.Loop() {
		order++
		ops[0] = store.Op{Kind: store.Put, User: "u", Order: order, Message: m, Receivers: receivers}
		ops[1] = store.Op{Kind: store.Remove, User: "u", Order: order, Fate: envelope.Acked}
		s.Submit(ops)
		s.Step(2)
	}
}
