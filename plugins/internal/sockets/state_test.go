package sockets

import (
	"bytes"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// lineProtocol is a codec of lines, with the beginning of a line as its state.
type lineProtocol struct{}

func (lineProtocol) Scheme() string { return "line" }
func (lineProtocol) Path() string   { return "" }
func (lineProtocol) Codec(netip.AddrPort, int, bool) Codec {
	return &lineCodec{}
}
func (lineProtocol) Restore(state []byte, _ int) (Codec, error) {
	return &lineCodec{partial: bytes.Clone(state)}, nil
}

type lineCodec struct{ partial []byte }

func (c *lineCodec) Next(in, reply []byte) (Found, []byte, []byte, error) {
	line, rest, whole := bytes.Cut(in, []byte("\n"))
	c.partial = append(c.partial, line...)
	if !whole {
		return Found{}, nil, reply, nil
	}
	line, c.partial = c.partial, nil
	return Found{Kind: FoundFrame, Frame: line}, rest, reply, nil
}

func (*lineCodec) Text() bool                                         { return false }
func (*lineCodec) AppendFrame(dst []byte, f wire.Frame) []byte        { return f.Append(dst) }
func (*lineCodec) AppendPushHead(dst []byte, _ uint64, _ int) []byte  { return dst }
func (*lineCodec) AppendEnd(dst []byte, _ wire.Code, _ string) []byte { return dst }
func (*lineCodec) Introduce(*sdk.Connect)                             {}
func (*lineCodec) Limit(int)                                          {}
func (c *lineCodec) State() []byte                                    { return c.partial }

// stillHost is a host with one loop on which nothing happens.
type stillHost struct{}

func (stillHost) Loops() int                      { return 1 }
func (stillHost) Now(sdk.Loop) time.Time          { return time.Unix(1000, 0) }
func (stillHost) Emit(sdk.Loop, []sdk.Event)      {}
func (stillHost) Credit(sdk.Loop) int             { return 1 << 20 }
func (stillHost) Poller(sdk.Loop) sdk.Poller      { return nil }
func (stillHost) Post(sdk.Loop, []sdk.Event) bool { return true }
func (stillHost) Log() *slog.Logger               { return slog.New(slog.DiscardHandler) }

// secretLayer is a TLS layer with a state.
type secretLayer struct{ Layer }

func (secretLayer) State() []byte { return []byte("keys") }

func TestStateCarriesAConnectionInTheMiddleOfAFrame(t *testing.T) {
	tr := &Transport{host: stillHost{}}
	tr.Use(lineProtocol{}, Config{})
	first, second := newLoop(tr, 0), newLoop(tr, 0)
	c := first.slab.take()
	c.server, c.id, c.phase, c.heartbeat = first, connID(7, 3), Attached, 40
	c.codec = tr.protocol.Codec(netip.AddrPort{}, 0, false)
	c.tls = secretLayer{}
	c.paused, c.congested = true, true
	c.deadline = first.now() + 7
	c.out = []byte("not written yet")
	if f, _, _, _ := c.codec.Next([]byte("half a li"), nil); f.Kind != FoundNothing {
		t.Fatalf("found %v in half a line", f.Kind)
	}

	state := c.state()
	if string(state.TLS) != "keys" {
		t.Errorf("state of TLS %q", state.TLS)
	}
	next, err := second.adopt(9, state)
	if err != nil {
		t.Fatal(err)
	}
	if next.id == 0 || descriptorOf(next.id) != 9 || next.fd != 9 || next.phase != Attached || next.heartbeat != 40 || !next.paused || !next.congested || string(next.out) != "not written yet" {
		t.Errorf("adopted %+v", next)
	}
	if left := next.deadline - second.now(); left != 7 {
		t.Errorf("%d ticks are left, want 7", left)
	}
	f, rest, _, err := next.codec.Next([]byte("ne\nmore"), nil)
	if err != nil || string(f.Frame) != "half a line" || string(rest) != "more" {
		t.Errorf("went on with %q, rest %q: %v", f.Frame, rest, err)
	}
}
