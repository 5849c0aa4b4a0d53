package disk

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/store/storetest"
)

// openBench opens a store on the real disk. Sink may be nil.
func openBench(b *testing.B, dir string, sink store.Sink) *Store {
	b.Helper()
	if sink == nil {
		sink = func(int, []store.Answer) {}
	}
	cfg := config(storetest.Env{Owner: func(string) int { return 0 }, Sink: sink, Now: time.Now}, vfs.Default)
	cfg.Dir, cfg.CacheBytes, cfg.MemTableBytes = dir, 0, 0
	s, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func benchMessage(order uint64) *envelope.Message {
	return &envelope.Message{
		ID: fmt.Sprintf("01JH%022d", order), Scope: "orders", AcceptedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		Payload: make([]byte, 128),
	}
}

// BenchmarkPutAndRemove stores and ends messages for 500 users, up to 4,000
// operations under way. One iteration is one operation.
func BenchmarkPutAndRemove(b *testing.B) {
	room := make(chan struct{}, 4000)
	var failed sync.Once
	s := openBench(b, b.TempDir(), func(_ int, some []store.Answer) {
		for i := range some {
			if some[i].Err != nil {
				failed.Do(func() { b.Error(some[i].Err) })
			}
			<-room
		}
	})
	s.Start()
	users := make([]string, 500)
	for i := range users {
		users[i] = fmt.Sprint("user-", i)
	}
	receivers := []store.Receiver{{Device: "phone"}}
	const batch = 64 // what a shard's turn submits
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += batch {
		ops := make([]store.Op, 0, batch)
		for j := i; j < i+batch; j++ {
			order := uint64(j/2 + 1) //nolint:gosec // Not negative.
			op := store.Op{User: users[order%500], Order: order}
			if j%2 == 0 {
				op.Kind, op.Message, op.Receivers = store.Put, benchMessage(order), receivers
			} else {
				op.Kind, op.Fate = store.Remove, envelope.Acked
			}
			room <- struct{}{}
			ops = append(ops, op)
		}
		s.Submit(ops)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// fill stores messages for users, each with as many.
func fill(b *testing.B, dir string, users, each int) {
	b.Helper()
	room := make(chan struct{}, 4000)
	s := openBench(b, dir, func(_ int, some []store.Answer) {
		for range some {
			<-room
		}
	})
	s.Start()
	for i := range users * each {
		order := uint64(i + 1) //nolint:gosec // Not negative.
		room <- struct{}{}
		s.Submit([]store.Op{{Kind: store.Put, User: fmt.Sprint("user-", i%users), Order: order, Message: benchMessage(order),
			Receivers: []store.Receiver{{Device: "phone"}}}})
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPage reads a mailbox of 200 messages.
func BenchmarkPage(b *testing.B) {
	dir := b.TempDir()
	fill(b, dir, 1000, 200)
	answers := make(chan store.Answer, 1)
	s := openBench(b, dir, func(_ int, some []store.Answer) { answers <- some[0] })
	s.Start()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		s.Submit([]store.Op{{Kind: store.Page, User: fmt.Sprint("user-", i%1000), Device: "phone", Max: 200}})
		if a := <-answers; len(a.Entries) != 200 || a.Err != nil {
			b.Fatalf("%d entries, %v", len(a.Entries), a.Err)
		}
	}
	b.StopTimer()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpen opens a store that holds 200,000 pairs of 1,000 users.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	fill(b, dir, 1000, 200)
	b.ReportAllocs()
	for b.Loop() {
		s := openBench(b, dir, nil)
		if s.Census() != 200_000 {
			b.Fatalf("census %d", s.Census())
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
