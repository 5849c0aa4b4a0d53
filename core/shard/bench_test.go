package shard

import (
	"fmt"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// room is a shard with sessions that have all joined one group, each of a user of
// its own with a device.
type room struct {
	*Shard
	now    Now
	record envelope.RecordID
	acks   []sdk.Event
}

func newRoom(tb testing.TB, sessions int) *room {
	s, err := New(Config{Plugins: []string{"one"}, Owner: func(string) int { return 0 }, Durable: true, Seed: 1})
	if err != nil {
		tb.Fatal(err)
	}
	r := &room{Shard: s, now: Now{Mono: time.Second, Wall: time.Unix(1e9, 0)}}
	s.Begin(r.now)
	for i := range sessions {
		conn := sdk.ConnID(i + 1)
		s.Events(0, []sdk.Event{{Kind: sdk.EventConnect, Conn: conn, Connect: &sdk.Connect{}}})
		s.Handle(&AuthResult{Conn: conn, User: fmt.Sprint("u", i), Device: "d", Groups: []string{"room"}})
		s.Events(0, []sdk.Event{{Kind: sdk.EventAttached, Conn: conn}})
		r.acks = append(r.acks, sdk.Event{Kind: sdk.EventAck, Conn: conn})
	}
	for i := range s.effects.Store {
		op := &s.effects.Store[i]
		s.stored(&store.Answer{Kind: op.Kind, Token: op.Token, User: op.User})
	}
	s.Reset()
	return r
}

// push hands a message to all it is for, and lets them ack it.
func (r *room) push(to wire.Address, class sdk.Class, payload []byte) (items int) {
	r.record++
	r.now.Mono += time.Millisecond
	r.now.Wall = r.now.Wall.Add(time.Millisecond)
	m := &envelope.Message{ID: "m", Scope: "orders", Class: class, To: []wire.Address{to}, Payload: payload, Record: r.record,
		AcceptedAt: r.now.Wall, ExpiresAt: r.now.Wall.Add(time.Hour), StoreAfter: 2 * time.Second}
	r.Begin(r.now)
	r.Handle(&envelope.Deliver{Message: m, To: []uint16{0}})
	r.Tick()
	for r.Serve(1 << 20) {
	}
	batch := &r.Effects().Plugins[0].Batch
	items = len(batch.Items)
	for i := range batch.Items {
		if item := &batch.Items[i]; item.Seq > 0 {
			ack := &r.acks[item.Conn-1]
			ack.Seq = item.Seq
			r.Events(0, r.acks[item.Conn-1:item.Conn])
		}
	}
	r.Flushed()
	r.Reset()
	return items
}

func BenchmarkRoom(b *testing.B) {
	for _, class := range []sdk.Class{sdk.Reliable, sdk.Fast} {
		b.Run([]string{"reliable", "fast"}[class], func(b *testing.B) {
			const sessions = 10_000
			r := newRoom(b, sessions)
			b.ReportAllocs()
			for b.Loop() {
				if n := r.push(wire.Address{Kind: wire.Group, ID: "room"}, class, make([]byte, 128)); n != sessions {
					b.Fatalf("%d items", n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/sessions, "ns/delivery")
		})
	}
}

func BenchmarkPrivate(b *testing.B) {
	const sessions = 10_000
	r := newRoom(b, sessions)
	payload := make([]byte, 128)
	users := make([]wire.Address, sessions)
	for i := range users {
		users[i] = wire.Address{Kind: wire.User, ID: fmt.Sprint("u", i)}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if r.push(users[i%sessions], sdk.Reliable, payload) != 1 {
			b.Fatal("not delivered")
		}
	}
}

func TestDeliveryToARoomAllocatesNothingForEachMember(t *testing.T) {
	const sessions = 1000
	for _, class := range []sdk.Class{sdk.Reliable, sdk.Fast} {
		r := newRoom(t, sessions)
		payload := make([]byte, 128)
		push := func() { r.push(wire.Address{Kind: wire.Group, ID: "room"}, class, payload) }
		for range 3 {
			push()
		}
		if n := testing.AllocsPerRun(20, push); n > 20 {
			t.Errorf("class %d: %v allocations for a message to %d sessions", class, n, sessions)
		}
	}
}
