package wsconn

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestStateCrossesAsData(t *testing.T) {
	input := stream(first("Hel\xce"), ping("pi"), last("\xba"), closeWith(1000, ""))
	for cut := range len(input) {
		r := reader{t: t, conn: NewConn(testLimit)}
		r.feed(input[:cut])
		crossing, err := json.Marshal(r.conn.State())
		if err != nil {
			t.Fatal(err)
		}
		var state State
		if err := json.Unmarshal(crossing, &state); err != nil {
			t.Fatal(err)
		}
		if r.conn, err = Restore(state); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		r.feed(input[cut:])
		if want := []string{`ping "pi"`, `text "Helκ"`, `close 1000 ""`}; !slices.Equal(r.events, want) {
			t.Errorf("cut at %d: %q, want %q", cut, r.events, want)
		}
	}
}

func TestStateRemembersTheCloseHandshake(t *testing.T) {
	c := NewConn(testLimit)
	c.AppendClose(nil, CodeGoingAway, "")
	moved, err := Restore(c.State())
	if err != nil {
		t.Fatal(err)
	}
	if !moved.Closing() || len(moved.AppendClose(nil, CodeGoingAway, "")) > 0 {
		t.Error("the Close frame that was sent is forgotten")
	}
}

func TestRestoreOwnsItsBytes(t *testing.T) {
	c := NewConn(testLimit)
	if _, _, err := c.Next(stream(first("Hel"))); err != nil {
		t.Fatal(err)
	}
	state := c.State()
	moved, err := Restore(state)
	if err != nil {
		t.Fatal(err)
	}
	clear(state.Message)
	if event, _, err := moved.Next(stream(last("lo"))); err != nil || string(event.Payload) != "Hello" {
		t.Errorf("%q %v", event.Payload, err)
	}
}

func TestRestoreRefusesImpossibleStates(t *testing.T) {
	for name, s := range map[string]State{
		"no bound":                     {},
		"bound too high":               {MessageBytesMax: 1 << 31},
		"complete header":              {MessageBytesMax: 10, Header: stream(text("x"))[:6]},
		"wrong header":                 {MessageBytesMax: 10, Header: []byte{0xff, 0xff}},
		"header and frame":             {MessageBytesMax: 10, Header: []byte{0x81}, FrameOpen: true, FrameFinal: true, FrameOpcode: Ping, FrameLeft: 1},
		"message without opcode":       {MessageBytesMax: 10, Message: []byte("x")},
		"message that is a ping":       {MessageBytesMax: 10, MessageOpcode: Ping},
		"message above the bound":      {MessageBytesMax: 1, MessageOpcode: Text, Message: []byte("xx")},
		"frame above the bound":        {MessageBytesMax: 2, MessageOpcode: Text, Message: []byte("xx"), FrameOpen: true, FrameOpcode: Text, FrameLeft: 1},
		"frame without payload":        {MessageBytesMax: 2, MessageOpcode: Text, FrameOpen: true, FrameOpcode: Text},
		"frame without message":        {MessageBytesMax: 2, FrameOpen: true, FrameOpcode: Text, FrameLeft: 1},
		"frame of another message":     {MessageBytesMax: 2, MessageOpcode: Binary, FrameOpen: true, FrameOpcode: Text, FrameLeft: 1},
		"text that is none":            {MessageBytesMax: 9, MessageOpcode: Text, Message: []byte("\xff")},
		"reserved opcode":              {MessageBytesMax: 2, FrameOpen: true, FrameOpcode: 11, FrameLeft: 1, FrameFinal: true},
		"no opcode":                    {MessageBytesMax: 2, FrameOpen: true, FrameOpcode: 0x18, FrameLeft: 1, FrameFinal: true},
		"fragmented ping":              {MessageBytesMax: 2, FrameOpen: true, FrameOpcode: Ping, FrameLeft: 1},
		"ping too long":                {MessageBytesMax: 2, FrameOpen: true, FrameFinal: true, FrameOpcode: Ping, FrameLeft: 100, Control: make([]byte, 26)},
		"control bytes without frame":  {MessageBytesMax: 2, Control: []byte("x")},
		"control bytes, message frame": {MessageBytesMax: 9, MessageOpcode: Text, FrameOpen: true, FrameOpcode: Text, FrameLeft: 1, Control: []byte("x")},
	} {
		if _, err := Restore(s); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
}

func FuzzRestore(f *testing.F) {
	c := NewConn(100)
	if _, _, err := c.Next(stream(first("Hel"), ping("xy"))[:16]); err != nil {
		f.Fatal(err)
	}
	seed, err := json.Marshal(c.State())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed, stream(last("lo"), text("x")))
	f.Add([]byte(`{"MessageBytesMax":5,"FrameOpen":true,"FrameOpcode":9,"FrameLeft":3,"FrameFinal":true}`), []byte("xyz"))
	f.Fuzz(func(t *testing.T, encoded, input []byte) {
		var s State
		if json.Unmarshal(encoded, &s) != nil {
			return
		}
		conn, err := Restore(s)
		if err != nil {
			return
		}
		for {
			event, rest, err := conn.Next(input)
			if err != nil || event.Opcode == None {
				break
			}
			if len(event.Payload) > int(s.MessageBytesMax) && len(event.Payload) > controlBytesMax {
				t.Fatalf("%v of %d bytes above the bound", event.Opcode, len(event.Payload))
			}
			input = rest
		}
	})
}
