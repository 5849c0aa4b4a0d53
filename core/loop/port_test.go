package loop

import (
	"slices"
	"testing"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

func uplink(id string, bytes int) sdk.Event {
	return sdk.Event{Kind: sdk.EventUplink, ID: id, Payload: make([]byte, bytes)}
}

func TestUplinksWithoutCreditAreRefusedAndTheRestIsTaken(t *testing.T) {
	var taken []string
	s := &fakeState{events: func(_ int, e []sdk.Event) {
		for i := range e {
			taken = append(taken, e[i].ID)
		}
	}}
	var refused []string
	l := still(t, Config{Credit: 100}, s, nil)
	port := plug(l, 0, &fakeTransport{command: func(c []sdk.Command) {
		for i := range c {
			if c[i].Kind != sdk.CommandUplinkResult || !c[i].Retryable || c[i].Code == 0 {
				t.Errorf("not a refusal: %+v", c[i])
			}
			refused = append(refused, c[i].ID)
		}
	}})
	ack := sdk.Event{Kind: sdk.EventAck, ID: "ack"}
	l.Do(taskFunc(func() {
		port.Emit([]sdk.Event{uplink("a", 60)})
		if port.Credit() != 40 {
			t.Errorf("credit %d, want 40", port.Credit())
		}
		port.Emit([]sdk.Event{ack, uplink("b", 60), ack, uplink("c", 1), uplink("d", 1), ack})
		if port.Credit() != 0 {
			t.Errorf("credit %d, want 0", port.Credit())
		}
	}))
	l.look()
	if want := []string{"a", "ack", "b", "ack", "ack"}; !slices.Equal(taken, want) {
		t.Errorf("taken %v, want %v", taken, want)
	}
	if want := []string{"c", "d"}; !slices.Equal(refused, want) {
		t.Errorf("refused %v, want %v", refused, want)
	}
	l.look()
	if port.Credit() != 100 {
		t.Errorf("credit of the next turn: %d", port.Credit())
	}
}

func TestPostIsRefusedByAFullMailboxButForClosed(t *testing.T) {
	var got []sdk.EventKind
	s := &fakeState{handle: func(in envelope.Input) {
		for _, e := range in.(*shard.PostedEvents).Events {
			got = append(got, e.Kind)
		}
	}}
	l := still(t, Config{Mailbox: 2}, s, nil)
	port := plug(l, 0, &fakeTransport{})
	for i, c := range []struct {
		events []sdk.EventKind
		want   bool
	}{
		{[]sdk.EventKind{sdk.EventConnect}, true},
		{[]sdk.EventKind{sdk.EventAck}, true},
		{[]sdk.EventKind{sdk.EventNack}, false},
		{[]sdk.EventKind{sdk.EventUplink, sdk.EventClosed}, true},
	} {
		var e []sdk.Event
		for _, k := range c.events {
			e = append(e, sdk.Event{Kind: k})
		}
		if taken := port.Post(e); taken != c.want {
			t.Errorf("post %d was taken: %v, want %v", i, taken, c.want)
		}
	}
	l.look()
	want := []sdk.EventKind{sdk.EventConnect, sdk.EventAck, sdk.EventUplink, sdk.EventClosed}
	if !slices.Equal(got, want) {
		t.Errorf("handled %v, want %v", got, want)
	}
}

func TestPostedBytesAreBounded(t *testing.T) {
	l := still(t, Config{PostedBytes: 100}, &fakeState{}, nil)
	port := plug(l, 0, &fakeTransport{})
	for _, c := range []struct {
		bytes int
		want  bool
	}{{500, true}, {1, false}, {0, false}} {
		if taken := port.Post([]sdk.Event{uplink("", c.bytes)}); taken != c.want {
			t.Errorf("post of %d bytes was taken: %v, want %v", c.bytes, taken, c.want)
		}
	}
	l.look()
	for range 2 {
		if !port.Post([]sdk.Event{uplink("", 50)}) {
			t.Error("the room of what was handled is not given back")
		}
	}
}

func TestTransportIsCalledOnlyBetweenOpenAndClose(t *testing.T) {
	downs, events := 0, 0
	s := &fakeState{}
	s.handle = func(in envelope.Input) {
		if d, ok := in.(*shard.PluginDown); ok && d.Plugin == 1 {
			downs++
		}
		s.plugin(1).Commands = append(s.plugin(1).Commands, sdk.Command{Kind: sdk.CommandClose})
	}
	s.events = func(int, []sdk.Event) { events++ }
	l := running(t, Config{}, nil, s).Loop(0)
	open, commands := false, 0
	called := func() {
		if !open {
			t.Error("a transport was called that is not open")
		}
	}
	port := l.Attach(1, &fakeTransport{flush: called, command: func([]sdk.Command) { called(); commands++ }})
	emit := func() { port.Emit([]sdk.Event{{Kind: sdk.EventAck}}) }
	listen := func() { port.Command([]sdk.Command{{Kind: sdk.CommandListen}}) }
	turns := func() {
		l.Post([]envelope.Input{&input{}})
		l.call(emit)
		l.call(func() {})
	}
	turns()
	listen()
	l.call(func() { open = true })
	port.Engage()
	listen()
	turns()
	port.Disengage()
	l.call(func() { open = false })
	turns()
	listen()
	if events != 3 || commands == 0 {
		t.Errorf("%d of 3 events were taken before Detach, %d commands given", events, commands)
	}
	port.Detach()
	port.Detach()
	turns()
	listen()
	if downs != 1 || events != 3 {
		t.Errorf("told %d times that the plugin is down, %d events after it", downs, events-3)
	}
}

func TestCallsOnALoopThatHasEndedReturn(t *testing.T) {
	set := newTestSet(t, Config{}, []State{&fakeState{}}, nil)
	set.Start()
	if err := set.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	port := set.Loop(0).Attach(0, &fakeTransport{})
	port.Command(nil)
	port.Detach()
	if port.Post([]sdk.Event{{Kind: sdk.EventClosed}}) {
		t.Fatal("a loop that has ended took events")
	}
}
