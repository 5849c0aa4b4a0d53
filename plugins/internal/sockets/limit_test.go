package sockets

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// connectLine opens a session over lineProtocol.
var connectLine = append((&wire.Connect{User: "alice"}).Append(nil), '\n')

func TestConnectionsThatMoveLeaveTheirSlotsBehind(t *testing.T) {
	s := NewStage(t, lineProtocol{}, 2)
	s.accept = func(sdk.Event) *sdk.Accept { return &sdk.Accept{Owner: 1} }
	s.Transport.Command(1, []sdk.Command{{Kind: sdk.CommandStopListening}})
	s.Listen(0, sdk.Listen{})
	for i := range 2 * slabBlock {
		conn := s.dial()
		if _, err := conn.Write(connectLine); err != nil {
			t.Fatal(err)
		}
		s.Until("the session", func() bool { return s.count(sdk.EventAttached) == i+1 })
		_ = conn.Close()
		s.Until("its end", func() bool { return s.count(sdk.EventClosed) == i+1 })
	}
	for _, l := range s.Transport.loops {
		if n := len(l.slab.free); n != slabBlock {
			t.Errorf("loop %d has %d free slots, want one block of %d", l.id, n, slabBlock)
		}
	}
}

func TestListenAgainOnlySetsLimits(t *testing.T) {
	s := NewStage(t, lineProtocol{}, 1)
	s.Listen(0, sdk.Listen{MaxUnauthenticated: 1})
	s.Listen(0, sdk.Listen{MaxUnauthenticated: 2})
	if err := s.Transport.Check(); err != nil {
		t.Errorf("the second one failed: %v", err)
	}
	first, second, third := s.dial(), s.dial(), s.dial()
	s.Until("the third to be closed", func() bool { return s.ended(third) })
	if s.ended(first) || s.ended(second) {
		t.Error("who is within the new limit was closed")
	}
}

func TestHostWithoutCreditIsNotAskedEachTurn(t *testing.T) {
	s := NewStage(t, lineProtocol{}, 1)
	s.accept = func(sdk.Event) *sdk.Accept { return &sdk.Accept{Heartbeat: time.Second} }
	s.Listen(0, sdk.Listen{})
	conn := s.dial()
	send := func(f wire.Frame) {
		if _, err := conn.Write(append(f.Append(nil), '\n')); err != nil {
			t.Fatal(err)
		}
	}
	send(&wire.Connect{User: "alice"})
	s.Until("the session", func() bool { return s.count(sdk.EventAttached) == 1 })
	s.NoCredit = true
	send(&wire.Ack{Seq: 1})
	c := s.Transport.loops[0].all[0]
	s.Until("reading to stop", func() bool { return c.interest&sdk.Readable == 0 })
	s.Pass(10 * time.Second)
	if n := s.count(sdk.EventAck); n != 0 {
		t.Errorf("%d events without credit", n)
	}
	if n := s.count(sdk.EventClosed); n != 0 {
		t.Fatal("the heartbeat of a connection that is not read has run out")
	}
	s.NoCredit = false
	s.Pass(2 * creditEvery)
	s.Until("the ack", func() bool { return s.count(sdk.EventAck) == 1 })
}

// TestTurnsCreditUsedUpIsNoReasonToStopWatching: the next turn has credit.
func TestTurnsCreditUsedUpIsNoReasonToStopWatching(t *testing.T) {
	s := NewStage(t, lineProtocol{}, 1)
	l := s.Transport.loops[0]
	c := &conn{phase: Attached}
	if !l.mayRead(c) {
		t.Fatal("there was credit")
	}
	s.NoCredit = true
	if l.mayRead(c) || c.starved {
		t.Error("without credit it may read, or waits for the timer")
	}
}

func TestSilentPeerIsGoneWithinTwoHeartbeats(t *testing.T) {
	for _, heartbeat := range []time.Duration{2 * time.Second, 5 * time.Second, 30 * time.Second, 10 * time.Minute} {
		s := NewStage(t, lineProtocol{}, 1)
		s.accept = func(sdk.Event) *sdk.Accept { return &sdk.Accept{Heartbeat: heartbeat} }
		s.Listen(0, sdk.Listen{})
		if _, err := s.dial().Write(connectLine); err != nil {
			t.Fatal(err)
		}
		s.Until("the session", func() bool { return s.count(sdk.EventAttached) == 1 })
		began := s.Time
		for s.count(sdk.EventClosed) == 0 {
			s.Pass(100 * time.Millisecond)
		}
		if silent := s.Time.Sub(began); silent < heartbeat*3/2 {
			t.Errorf("heartbeat %v: ended after %v, want 1.5 heartbeats of patience", heartbeat, silent)
		}
		for len(s.Transport.loops[0].all) > 0 {
			s.Pass(100 * time.Millisecond)
		}
		if silent := s.Time.Sub(began); silent > 2*heartbeat {
			t.Errorf("heartbeat %v: the socket was there for %v", heartbeat, silent)
		}
	}
}

func TestTimeInWhichTheLoopDidNotRunIsNotSilence(t *testing.T) {
	s := NewStage(t, lineProtocol{}, 1)
	s.accept = func(sdk.Event) *sdk.Accept { return &sdk.Accept{Heartbeat: 5 * time.Second} }
	s.Listen(0, sdk.Listen{ConnectTimeout: 5 * time.Second})
	if _, err := s.dial().Write(connectLine); err != nil {
		t.Fatal(err)
	}
	stranger := s.dial()
	s.Until("both", func() bool { return s.count(sdk.EventAttached) == 1 && len(s.Transport.loops[0].all) == 2 })
	s.Pass(2 * time.Second)
	s.Time = s.Time.Add(time.Minute)
	s.Pass(2 * time.Second)
	if s.count(sdk.EventClosed) > 0 || s.ended(stranger) {
		t.Fatal("who could not be heard was ended")
	}
	s.Pass(6 * time.Second)
	if s.count(sdk.EventClosed) == 0 || !s.ended(stranger) {
		t.Error("silence after it is not seen")
	}
}

func TestLongListOfSegmentsIsNoJam(t *testing.T) {
	s := NewStage(t, lineProtocol{}, 1)
	s.Listen(0, sdk.Listen{})
	conn := s.dial()
	if _, err := conn.Write(connectLine); err != nil {
		t.Fatal(err)
	}
	s.Until("the session", func() bool { return s.count(sdk.EventAttached) == 1 })
	b := &sdk.Batch{Messages: []sdk.Message{{Payload: make([]byte, 10)}}}
	for range 3 * vectorMax / 2 {
		b.Items = append(b.Items, sdk.Item{Conn: s.Events[0].Conn}) // No segment joins the one before.
	}
	s.Transport.Deliver(0, b)
	if n := len(s.Transport.loops[0].turn.segments); n <= vectorMax {
		t.Fatalf("only %d segments", n)
	}
	s.Transport.Flush(0)
	if s.count(sdk.EventCongested) > 0 {
		t.Error("Congested, though the socket had room")
	}
	for _, v := range s.Transport.loops[0].turn.vector[:cap(s.Transport.loops[0].turn.vector)] {
		if v.Base != nil {
			t.Fatal("the vector keeps the arena")
		}
	}
}

func TestBacklogIsCopiedLittle(t *testing.T) {
	const size = 4 << 20
	random := rand.New(rand.NewPCG(1, 2))
	c, want := &conn{}, make([]byte, size)
	for i := range want {
		want[i] = byte(random.Uint32())
	}
	c.out = bytes.Clone(want)
	copied := 0
	for written := 0; len(c.out) > 1; {
		n := min(1+random.IntN(16<<10), len(c.out)-1)
		c.advance(n)
		written += n
		if c.outWritten == 0 {
			copied += len(c.out)
		}
		if !bytes.Equal(c.out, want[written:]) {
			t.Fatalf("another byte after %d", written)
		}
		if waste := c.outWritten; waste > outWasteMin && waste > len(c.out) {
			t.Fatalf("%d bytes are kept for %d", waste, len(c.out))
		}
	}
	if copied > size {
		t.Errorf("%d bytes copied of a backlog of %d", copied, size)
	}
}
