package wsconn

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/gobwas/ws"
)

func TestIdleConnIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Conn{}); size > 56 {
		t.Errorf("a Conn has %d bytes, documented are 56", size)
	}
}

func TestIdleSaysWhetherSomethingIsUnfinished(t *testing.T) {
	for _, c := range []struct {
		name  string
		input []byte
		idle  bool
	}{
		{"nothing", nil, true},
		{"whole message", stream(text("x")), true},
		{"half a header", stream(text("x"))[:1], false},
		{"header", stream(text("x"))[:6], false},
		{"fragment", stream(first("x")), false},
		{"empty fragment", stream(first("")), false},
		{"control frame in a message", stream(first("x"), ping("")), false},
		{"half a control frame", stream(ping("xy"))[:7], false},
	} {
		conn := NewConn(testLimit)
		for event, rest, err := conn.Next(c.input); event.Opcode != None; event, rest, err = conn.Next(rest) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if conn.Idle() != c.idle {
			t.Errorf("after %s: idle %v, want %v", c.name, conn.Idle(), c.idle)
		}
	}
}

func TestWholeMessageIsDeliveredInPlace(t *testing.T) {
	for _, f := range []frame{text("Hello"), binaryOf(strings.Repeat("x", 70000)), ping("p"), closeWith(1000, "bye")} {
		c := NewConn(testLimit)
		in := stream(f, text("next"))
		event, rest, err := c.Next(in)
		if err != nil || len(event.Payload) == 0 {
			t.Fatalf("opcode %d: %v", f.opcode, err)
		}
		end := len(stream(f))
		if &event.Payload[len(event.Payload)-1] != &in[end-1] {
			t.Errorf("opcode %d: the payload is a copy", f.opcode)
		}
		if cap(event.Payload) != len(event.Payload) {
			t.Errorf("opcode %d: the payload can grow into the next frame", f.opcode)
		}
		if f.opcode != 8 && &rest[0] != &in[end] {
			t.Errorf("opcode %d: the rest does not begin behind the frame", f.opcode)
		}
	}
}

func TestWholeMessagesCostNoAllocation(t *testing.T) {
	frames := []frame{binaryOf(strings.Repeat("x", 128)), text(strings.Repeat("κ", 100)), ping("p"), pong(""), binaryOf(strings.Repeat("y", 70000))}
	input := stream(frames...)
	in := make([]byte, len(input))
	c := NewConn(testLimit)
	allocations := testing.AllocsPerRun(100, func() {
		copy(in, input)
		rest := in
		for range frames {
			event, r, err := c.Next(rest)
			if err != nil || event.Opcode == None {
				t.Fatal("no event", err)
			}
			rest = r
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations for %d whole messages, want 0", allocations, len(frames))
	}
}

func TestProtocolErrorsCostNoAllocation(t *testing.T) {
	input := stream(frame{opcode: 3})
	allocations := testing.AllocsPerRun(100, func() {
		c := NewConn(testLimit)
		if _, _, err := c.Next(input); err == nil {
			t.Fatal("no error")
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations for an error, want 0", allocations)
	}
}

func TestSplitHeaderCostsNoAllocation(t *testing.T) {
	input := stream(binaryOf("Hello"))
	in := make([]byte, len(input))
	c := NewConn(testLimit)
	allocations := testing.AllocsPerRun(100, func() {
		copy(in, input)
		if event, _, err := c.Next(in[:4]); err != nil || event.Opcode != None {
			t.Fatalf("half a header: %v %v", event.Opcode, err)
		}
		if event, _, err := c.Next(in[4:]); err != nil || string(event.Payload) != "Hello" {
			t.Fatalf("%q %v", event.Payload, err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations for a message behind a split header, want 0", allocations)
	}
}

// reference is a slow and obvious decoder of a whole stream, on gobwas/ws's
// own header codec and frame rules. It stops where the stream ends inside a
// frame; finished says that it did not.
func reference(input []byte, limit int64) (events []string, finished bool) {
	r := bytes.NewReader(input)
	state := ws.StateServerSide
	var message []byte
	var opcode ws.OpCode
	fail := func(code uint16) ([]string, bool) { return append(events, showError(code)), true }
	for {
		before := r.Len()
		h, err := ws.ReadHeader(r)
		switch {
		case err == io.EOF && before == 0:
			return events, true
		case err == ws.ErrHeaderLengthMSB:
			return fail(CodeProtocolError)
		case err != nil:
			return events, false
		case ws.CheckHeader(h, state) != nil, before-r.Len() != ws.HeaderSize(h):
			return fail(CodeProtocolError)
		case h.OpCode.IsData() && h.Length+int64(len(message)) > limit:
			return fail(CodeMessageTooBig)
		}
		payload := make([]byte, min(h.Length, int64(r.Len())))
		if _, err := io.ReadFull(r, payload); err != nil || int64(len(payload)) < h.Length {
			return events, false
		}
		ws.Cipher(payload, h.Mask, 0)
		switch {
		case h.OpCode == ws.OpClose && len(payload) == 0:
			return append(events, show(Close, CodeNone, nil)), true
		case h.OpCode == ws.OpClose:
			if len(payload) == 1 || !closeCodeValid(binary.BigEndian.Uint16(payload)) {
				return fail(CodeProtocolError)
			}
			if !utf8.Valid(payload[2:]) {
				return fail(CodeInvalidPayload)
			}
			return append(events, show(Close, binary.BigEndian.Uint16(payload), payload[2:])), true
		case h.OpCode.IsControl():
			events = append(events, show(Opcode(h.OpCode), 0, payload))
			continue
		}
		if h.OpCode != ws.OpContinuation {
			opcode, message = h.OpCode, nil
		}
		message = append(message, payload...)
		if opcode == ws.OpText && !couldBecomeUTF8Text(message) {
			return fail(CodeInvalidPayload)
		}
		state = state.Set(ws.StateFragmented)
		if h.Fin {
			state = state.Clear(ws.StateFragmented)
			if opcode == ws.OpText && !utf8.Valid(message) {
				return fail(CodeInvalidPayload)
			}
			events = append(events, show(Opcode(opcode), 0, message))
			message = nil
		}
	}
}

// couldBecomeUTF8Text is couldBecomeUTF8 for longer texts.
func couldBecomeUTF8Text(s []byte) bool {
	for len(s) > utf8.UTFMax {
		r, size := utf8.DecodeRune(s)
		if r == utf8.RuneError && size == 1 {
			return false
		}
		s = s[size:]
	}
	return couldBecomeUTF8(string(s))
}

// compareWithReference fails if Conn and reference disagree on input. Where
// the stream ends inside a frame, Conn may know more: it fails early.
func compareWithReference(t *testing.T, input []byte, limit int, seed uint64) {
	t.Helper()
	got := decode(t, limit, input, seed)
	want, finished := reference(input, int64(limit))
	if !finished && len(got) == len(want)+1 && strings.HasPrefix(got[len(want)], "error") {
		got = got[:len(want)]
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got       %q\nreference %q\ninput % x", got, want, input)
	}
}

func FuzzConn(f *testing.F) {
	f.Add(stream(first("Hel"), ping("p"), last("lo"), binaryOf("x"), closeWith(1000, "bye"), text("late")), uint64(1))
	f.Add(stream(text(kosme), fragmented(kosme)[0], last(strings.Repeat("x", 200))), uint64(2))
	f.Add(stream(first("a"), first("b")), uint64(3))
	f.Add(stream(frame{opcode: 1, bare: true, payload: "x"}), uint64(4))
	f.Add([]byte("\x82\xff\x80\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"), uint64(5))
	f.Add([]byte("\x81\xfe\x00\x05\x00\x00\x00\x00Hello"), uint64(6))
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) { compareWithReference(t, input, 300, seed) })
}

// FuzzFrames makes its stream of frames that are mostly right, so that it gets
// farther than bytes at random do.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x01Hello\x00\x09p\x00\x80lo\x00\x82x"), uint64(1))
	f.Add([]byte(kosme+"\x01\xce\x00\x0a\x00\x80\xba"), uint64(2))
	f.Add([]byte("\x88\x03\xe8bye\x00\x81late"), uint64(3))
	f.Fuzz(func(t *testing.T, script []byte, seed uint64) {
		var input []byte
		for part := range bytes.SplitSeq(script, []byte{0}) {
			if len(part) == 0 {
				continue
			}
			control := part[0]
			input = frame{
				opcode:  control & 0x0f,
				more:    control&0x88 == 0,
				bare:    control&0x70 == 0x70,
				payload: string(part[1:]),
			}.append(input)
		}
		compareWithReference(t, input, 300, seed)
	})
}

func BenchmarkNext(b *testing.B) {
	for _, size := range []int{16, 128, 1024, 64 << 10} {
		for _, f := range []frame{binaryOf(strings.Repeat("x", size)), text(strings.Repeat("x", size))} {
			b.Run(fmt.Sprintf("%v of %d", Opcode(f.opcode), size), func(b *testing.B) {
				in := stream(f)
				// A mask of zeros costs as much and leaves the input as it is.
				copy(in[len(in)-size-4:], "\x00\x00\x00\x00"+f.payload)
				c := NewConn(testLimit)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					event, _, err := c.Next(in)
					if err != nil || len(event.Payload) != size {
						b.Fatal(err)
					}
				}
			})
		}
	}
	b.Run("64 KiB in reads of 4 KiB", func(b *testing.B) {
		in := stream(binaryOf(strings.Repeat("x", 64<<10)))
		c := NewConn(testLimit)
		b.SetBytes(64 << 10)
		b.ReportAllocs()
		for b.Loop() {
			for chunk := range slices.Chunk(in, 4096) {
				if _, _, err := c.Next(chunk); err != nil {
					b.Fatal(err)
				}
			}
			if !c.Idle() {
				b.Fatal("message not complete")
			}
		}
	})
}
