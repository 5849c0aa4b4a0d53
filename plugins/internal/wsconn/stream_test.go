package wsconn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gobwas/ws"
)

// frame is a frame as a client writes it, with any rule broken at will.
type frame struct {
	opcode  byte
	more    bool // FIN clear.
	rsv     byte
	bare    bool // Not masked.
	payload string
}

var testMask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

func (f frame) append(dst []byte) []byte {
	first := f.opcode | f.rsv<<4
	if !f.more {
		first |= bitFinal
	}
	masked := byte(bitMasked)
	if f.bare {
		masked = 0
	}
	switch n := len(f.payload); {
	case n < 126:
		dst = append(dst, first, masked|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, first, masked|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, masked|127), uint64(n))
	}
	payload := []byte(f.payload)
	if !f.bare {
		dst = append(dst, testMask[:]...)
		ws.Cipher(payload, testMask, 0)
	}
	return append(dst, payload...)
}

func text(s string) frame     { return frame{opcode: 1, payload: s} }
func binaryOf(s string) frame { return frame{opcode: 2, payload: s} }
func ping(s string) frame     { return frame{opcode: 9, payload: s} }
func pong(s string) frame     { return frame{opcode: 10, payload: s} }
func closing(s string) frame  { return frame{opcode: 8, payload: s} }
func first(s string) frame    { return frame{opcode: 1, more: true, payload: s} }
func middle(s string) frame   { return frame{more: true, payload: s} }
func last(s string) frame     { return frame{payload: s} }

// closeWith is a Close frame with a status.
func closeWith(code uint16, reason string) frame {
	return closing(string(binary.BigEndian.AppendUint16(nil, code)) + reason)
}

func stream(frames ...frame) []byte {
	var b []byte
	for _, f := range frames {
		b = f.append(b)
	}
	return b
}

// show renders an event for comparison.
func show(op Opcode, code uint16, payload []byte) string {
	s := fmt.Sprintf("%v %q", op, payload)
	if len(payload) > 200 {
		s = fmt.Sprintf("%v %d bytes %08x", op, len(payload), crc32.ChecksumIEEE(payload))
	}
	if op == Close {
		s = fmt.Sprintf("%v %d %q", op, code, payload)
	}
	return s
}

func showError(code uint16) string { return fmt.Sprint("error ", code) }

// reader drives a Conn and writes down what it says.
type reader struct {
	t      testing.TB
	conn   Conn
	events []string
	moved  bool // The Conn moves to another process after every feed.
}

func (r *reader) feed(in []byte) {
	in = slices.Clone(in) // Next writes to it.
	for {
		event, rest, err := r.conn.Next(in)
		if err != nil {
			var broken *Error
			if !errors.As(err, &broken) {
				r.t.Fatalf("Next returned %T, want *Error", err)
			}
			r.events = append(r.events, showError(broken.Code))
			if rest != nil || event.Opcode != None {
				r.t.Fatal("Next returned an event or a rest with an error")
			}
		}
		if event.Opcode == None {
			break
		}
		r.events = append(r.events, show(event.Opcode, event.Code, event.Payload))
		// The payload is the caller's until the next call: it must not be
		// needed by the Conn, nor reach into what follows.
		clear(event.Payload)
		_ = append(event.Payload, 0xff, 0xff)
		in = rest
	}
	if r.conn.Idle() && r.conn.kept != nil {
		r.t.Fatal("idle Conn holds a buffer")
	}
	if r.moved {
		moved, err := Restore(r.conn.State())
		if err != nil {
			r.t.Fatalf("Restore of an exported state %+v: %v", r.conn.State(), err)
		}
		r.conn = moved
	}
}

// chopped feeds input in pieces of the sizes that next gives.
func chopped(t testing.TB, limit int, input []byte, moved bool, next func(left int) int) []string {
	r := reader{t: t, conn: NewConn(limit), moved: moved}
	for len(input) > 0 {
		n := max(1, min(next(len(input)), len(input)))
		r.feed(input[:n])
		input = input[n:]
	}
	return r.events
}

// decode feeds input whole, then cut in several ways, and fails unless the
// outcome is the same each time.
func decode(t testing.TB, limit int, input []byte, seed uint64) []string {
	t.Helper()
	whole := chopped(t, limit, input, false, func(left int) int { return left })
	same := func(how string, got []string) {
		t.Helper()
		if !slices.Equal(got, whole) {
			t.Fatalf("fed %s: %q\nwhole: %q\ninput % x", how, got, whole, input[:min(len(input), 200)])
		}
	}
	random := rand.New(rand.NewPCG(seed, 1))
	bytewise := func(int) int { return 1 }
	if len(input) > 1<<14 { // Byte by byte at both ends is enough.
		bytewise = func(left int) int {
			if left < 300 || left > len(input)-300 {
				return 1
			}
			return 997
		}
	}
	same("byte by byte", chopped(t, limit, input, false, bytewise))
	if len(input) < 1<<12 {
		same("byte by byte through State", chopped(t, limit, input, true, bytewise))
	}
	for _, sizeMax := range []int{3, 17, len(input) + 1} {
		if len(input) > 100*sizeMax {
			sizeMax = len(input) / 10
		}
		same("in random chops", chopped(t, limit, input, false, func(int) int { return 1 + random.IntN(sizeMax) }))
		same("in random chops through State", chopped(t, limit, input, true, func(int) int { return 1 + random.IntN(sizeMax) }))
	}
	return whole
}

// protocolCase is one case of the protocol, named after the Autobahn test
// suite's.
type protocolCase struct {
	name   string
	frames []frame
	want   []string
}

const testLimit = 1 << 20

func runProtocolCases(t *testing.T, cases []protocolCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := decode(t, testLimit, stream(c.frames...), 1)
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// shows renders the events that these whole frames should give.
func shows(frames ...frame) []string {
	var s []string
	for _, f := range frames {
		s = append(s, show(Opcode(f.opcode), 0, []byte(f.payload)))
	}
	return s
}
