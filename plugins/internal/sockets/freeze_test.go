package sockets

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// listening is a protocol that notes how connections begin.
type listening struct {
	lineProtocol
	codecBytes, restoreBytes int
	loopbackOnly             []bool
}

func (p *listening) Codec(a netip.AddrPort, bytesMax int, loopbackOnly bool) Codec {
	p.codecBytes = bytesMax
	p.loopbackOnly = append(p.loopbackOnly, loopbackOnly)
	return p.lineProtocol.Codec(a, bytesMax, loopbackOnly)
}

func (p *listening) Restore(state []byte, bytesMax int) (Codec, error) {
	p.restoreBytes = bytesMax
	return p.lineProtocol.Restore(state, bytesMax)
}

// heirStage opens a transport with the listeners of another one.
func heirStage(t *testing.T, tr *Transport, loops int, f []sdk.Frozen) (*Stage, error) {
	s := &Stage{T: t, Transport: tr, Time: time.Unix(1000, 0)}
	s.accept = func(sdk.Event) *sdk.Accept { return &sdk.Accept{} }
	for range loops {
		s.pollers = append(s.pollers, &stagePoller{stage: s, watched: map[int]*stageWatch{}})
	}
	_, err := tr.AdoptListeners(s, f)
	t.Cleanup(func() {
		for _, l := range tr.loops {
			l.closeAll()
		}
		tr.closeEndpoints()
	})
	return s, err
}

func freezeAll(s *Stage) (conns []sdk.Frozen, listeners []sdk.Frozen) {
	for i := range s.pollers {
		conns = append(conns, s.Transport.Freeze(sdk.Loop(i))...)
	}
	return conns, s.Transport.FreezeListeners()
}

func TestWhoWaitsInAListenerIsLetInUnderTheLimits(t *testing.T) {
	const waiting = 20
	old := NewStage(t, &listening{}, 2)
	for range waiting {
		old.dial()
	}
	_, listeners := freezeAll(old)
	p, tr := &listening{}, &Transport{}
	tr.Use(p, old.Transport.config)
	heir, err := heirStage(t, tr, 1, listeners) // One listener has no loop any more.
	if err != nil {
		t.Fatal(err)
	}
	heir.Listen(0, sdk.Listen{ConnectTimeout: time.Second, LoopbackOnly: true})
	heir.Until("all to be here", func() bool { return len(tr.loops[0].all) == waiting })
	for _, c := range tr.loops[0].all {
		if c.deadline == 0 {
			t.Fatal("a connection has no deadline")
		}
	}
	for _, only := range p.loopbackOnly {
		if !only {
			t.Fatal("a connection was let in without the limits")
		}
	}
	if len(tr.inherited) != 0 {
		t.Errorf("%d listeners were left", len(tr.inherited))
	}
}

func TestStrangersStayBoundedAfterAHandOver(t *testing.T) {
	before := &listening{}
	old := NewStage(t, before, 1)
	old.Listen(0, sdk.Listen{})
	conn := old.dial()
	old.Until("a connection", func() bool { return len(old.Transport.loops[0].all) == 1 })
	conns, listeners := freezeAll(old)
	p, tr := &listening{}, &Transport{}
	tr.Use(p, old.Transport.config)
	heir, err := heirStage(t, tr, 1, listeners)
	if err != nil {
		t.Fatal(err)
	}
	ids := tr.Adopt(0, conns)
	if p.restoreBytes != before.codecBytes {
		t.Errorf("a stranger may send %d bytes, before it was %d", p.restoreBytes, before.codecBytes)
	}
	if len(ids) != 1 || ids[0] == 0 || tr.loops[0].strangers != 1 {
		t.Fatalf("ids %v, %d strangers", ids, tr.loops[0].strangers)
	}
	_ = conn.Close()
	heir.Until("its end", func() bool { return len(tr.loops[0].all) == 0 })
	if tr.loops[0].strangers != 0 {
		t.Errorf("%d strangers are left", tr.loops[0].strangers)
	}
}

func TestAnAddressMayWidenInAHandOver(t *testing.T) {
	old := NewStage(t, &listening{}, 1)
	_, listeners := freezeAll(old)
	_, port, _ := strings.Cut(old.Address, ":")
	tr := &Transport{}
	tr.Use(&listening{}, Config{Listen: []string{"0.0.0.0:" + port}})
	heir, err := heirStage(t, tr, 1, listeners)
	if err != nil {
		t.Fatal(err)
	}
	heir.Listen(0, sdk.Listen{})
	conn, err := net.Dial("tcp", old.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	heir.Until("a connection", func() bool { return len(tr.loops[0].all) == 1 })
}

func TestStatesThatNobodyUnderstandsEndTheConnection(t *testing.T) {
	s := NewStage(t, &listening{}, 1)
	s.Listen(0, sdk.Listen{})
	conn := s.dial()
	s.Until("a connection", func() bool { return len(s.Transport.loops[0].all) == 1 })
	conns := s.Transport.Freeze(0)
	conns[0].State = []byte(`{"Version":9}`)
	if ids := s.Transport.Adopt(0, conns); ids[0] != 0 {
		t.Errorf("it goes on as %d", ids[0])
	}
	if !s.ended(conn) {
		t.Error("its socket is open")
	}
}

// FuzzAdopt takes over whatever state comes.
func FuzzAdopt(f *testing.F) {
	f.Add([]byte(`{"Version":1,"Phase":4,"HeartbeatTicks":40,"Out":"YWJj","Paused":true}`))
	f.Add([]byte(`{"Version":1,"Phase":1}`))
	tr := &Transport{}
	tr.Use(lineProtocol{}, Config{Listen: []string{"127.0.0.1:0"}})
	s := StageOf(f, tr, 1)
	f.Fuzz(func(t *testing.T, state []byte) {
		s.T = t
		fed := s.Connection()
		fed.replace(state)
		s.Turn()
		fed.Result()
	})
}
