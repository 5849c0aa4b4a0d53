package disk

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/store/storetest"
	"github.com/pushcore/pushcore/sdk/wire"
)

func testEnv(answers chan store.Answer) storetest.Env {
	return storetest.Env{
		Owner: func(string) int { return 0 },
		Sink: func(_ int, some []store.Answer) {
			for _, a := range some {
				answers <- a
			}
		},
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
}

func TestWhatIsAnsweredSurvivesACrash(t *testing.T) {
	fs := vfs.NewCrashableMem()
	answers := make(chan store.Answer, 100)
	s, err := Open(config(testEnv(answers), fs))
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	shared := &envelope.Message{ID: "m", Scope: "s", To: []wire.Address{{Kind: wire.Group, ID: "g"}}, Payload: []byte("hello"),
		Receipt: envelope.ReceiptFinal, AcceptedAt: time.Date(2026, 1, 1, 0, 0, 0, 1, time.UTC), ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range 10 {
		s.Submit([]store.Op{
			{Kind: store.Put, User: fmt.Sprint("u", i), Order: uint64(i + 1), Message: shared, Receivers: []store.Receiver{{Device: "x"}, {Device: "\x00s"}}},
			{Kind: store.PutDevice, User: fmt.Sprint("u", i), Device: "x", Platform: "phone"},
		})
		<-answers
		<-answers
	}
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s, err = Open(config(testEnv(answers), clone)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	s.Start()
	if s.Census() != 10 || s.HighestOrder() != 10 {
		t.Errorf("census %d, highest order %d", s.Census(), s.HighestOrder())
	}
	owed := 0
	for p := range s.CarriedOwed() {
		if p.Reason != envelope.SessionEnded || p.Receiver.Device != "\x00s" || string(p.Message.Payload) != "hello" {
			t.Errorf("owed %+v", p)
		}
		owed++
	}
	if owed != 10 {
		t.Errorf("%d notices of sessions that ended", owed)
	}
	s.Submit([]store.Op{{Kind: store.Page, User: "u3", Device: "x"}})
	if a := <-answers; len(a.Entries) != 1 || string(a.Entries[0].Message.Payload) != "hello" || a.Entries[0].Order != 4 {
		t.Errorf("page %+v", a)
	}
}

func TestWhatAnEarlierRunHasLeftKeepsItsPlace(t *testing.T) {
	fs := vfs.NewCrashableMem()
	answers := make(chan store.Answer, 100)
	s, err := Open(config(testEnv(answers), fs))
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	do := func(op store.Op) store.Answer {
		t.Helper()
		s.Submit([]store.Op{op})
		a := <-answers
		if a.Err != nil {
			t.Fatal(a.Err)
		}
		return a
	}
	put := func(order uint64, payload string, devices ...string) store.Op {
		op := store.Op{Kind: store.Put, User: "u", Order: order, Message: &envelope.Message{
			ID: "m", Scope: "s", Payload: []byte(payload), ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}}
		for _, d := range devices {
			op.Receivers = append(op.Receivers, store.Receiver{Device: d})
		}
		return op
	}
	do(put(5, "hello", "x"))
	if a := do(put(6, "hello", "x")); len(a.There) != 0 {
		t.Errorf("of this run: %+v", a.There)
	}
	do(store.Op{Kind: store.Remove, User: "u", Order: 6})
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s, err = Open(config(testEnv(answers), clone)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	s.Start()
	if a := do(put(5, "hello", "x")); len(a.There) != 0 {
		t.Errorf("at its own order: %+v", a.There)
	}
	a := do(put(99, "hello", "x", "y"))
	if len(a.There) != 1 || a.There[0].Receiver.Device != "x" || a.There[0].Order != 99 {
		t.Errorf("there: %+v", a.There)
	}
	if a = do(put(100, "hello", "x")); len(a.There) != 1 || s.Census() != 2 {
		t.Errorf("there: %+v, census %d", a.There, s.Census())
	}
	if a = do(put(101, "another", "x")); len(a.There) != 0 || s.Census() != 3 {
		t.Errorf("another message under the id: %+v, census %d", a.There, s.Census())
	}
	var orders []uint64
	for _, e := range do(store.Op{Kind: store.Page, User: "u", Device: "x", Max: 10}).Entries {
		orders = append(orders, e.Order)
	}
	if fmt.Sprint(orders) != "[5 101]" {
		t.Errorf("x has %v", orders)
	}
}
