package sockets_test

import (
	"fmt"
	"testing"

	"github.com/pushcore/pushcore/plugins/internal/sockets"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// room opens sessions over a stage and returns their connections.
func room(s *sockets.Stage, opening []byte, n int) (feds []*sockets.Fed, ids []sdk.ConnID) {
	for range n {
		f := s.Connection()
		s.T.Cleanup(func() { f.Result() })
		f.Feed(opening)
		feds = append(feds, f)
	}
	for _, e := range s.Events {
		if e.Kind == sdk.EventAttached {
			ids = append(ids, e.Conn)
		}
	}
	s.Events, s.Silent = nil, true
	return feds, ids
}

// TestDeliveryCostsNoAllocation: neither does what the device answers.
func TestDeliveryCostsNoAllocation(t *testing.T) {
	connect := story()[:1]
	ack := [][]byte{(&wire.Ack{Seq: 3}).Append(nil), (&wire.Ping{}).Append(nil)}
	for _, c := range []struct {
		name         string
		stage        *sockets.Stage
		opening, ack []byte
	}{
		{"tcp", tcpStage(t), streamOf(connect), streamOf(ack)},
		{"ws", wsStage(t), webSocketOf(t, connect, nil), webSocketOf(t, ack, nil)[len(upgrade):]},
	} {
		feds, ids := room(c.stage, c.opening, 50)
		private, group := &sdk.Batch{}, &sdk.Batch{Messages: []sdk.Message{{ID: "m", FromGroup: "room", Payload: make([]byte, 200)}}}
		for i, id := range ids {
			private.Messages = append(private.Messages, sdk.Message{ID: "m", FromUser: "alice", Payload: make([]byte, 200),
				Headers: []sdk.Header{{Name: "content-type", Value: []byte("text/plain")}}})
			private.Items = append(private.Items, sdk.Item{Conn: id, Seq: uint64(i), Message: uint32(i)})
			group.Items = append(group.Items, sdk.Item{Conn: id, Seq: uint64(i)})
		}
		scratch := make([]byte, len(c.ack))
		for what, turn := range map[string]func(){
			"private messages":  func() { c.stage.Transport.Deliver(0, private) },
			"a group's message": func() { c.stage.Transport.Deliver(0, group) },
			"acks and pings": func() {
				for _, f := range feds {
					copy(scratch, c.ack) // Unmasked where it lies.
					f.Read(scratch)
				}
			},
		} {
			t.Run(fmt.Sprintf("%s/%s", c.name, what), func(t *testing.T) {
				n := testing.AllocsPerRun(20, func() {
					turn()
					c.stage.Transport.Flush(0)
					for _, f := range feds {
						f.Drain()
					}
				})
				if n != 0 {
					t.Errorf("%v allocations for a turn of 50", n)
				}
			})
		}
	}
}

// BenchmarkDeliver is a turn that brings one message to each of a room's devices,
// the writes to their sockets included.
func BenchmarkDeliver(b *testing.B) {
	s := tcpStage(b)
	feds, ids := room(s, streamOf(story()[:1]), 50)
	group := &sdk.Batch{Messages: []sdk.Message{{ID: "m", FromGroup: "room", Payload: make([]byte, 200)}}}
	for i, id := range ids {
		group.Items = append(group.Items, sdk.Item{Conn: id, Seq: uint64(i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Transport.Deliver(0, group)
		s.Transport.Flush(0)
		for _, f := range feds {
			f.Drain()
		}
	}
}
