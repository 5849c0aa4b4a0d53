package sockets_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	gobwas "github.com/gobwas/ws"

	"github.com/pushcore/pushcore/plugins/internal/sockets"
	"github.com/pushcore/pushcore/plugins/tcp"
	"github.com/pushcore/pushcore/plugins/ws"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

var options = []byte(`{"listen":"127.0.0.1:0"}`)

func tcpStage(t testing.TB) *sockets.Stage {
	tr := tcp.New()
	if _, errs := tr.Configure(options); errs != nil {
		t.Fatal(errs)
	}
	return started(sockets.StageOf(t, &tr.Transport, 1))
}

func wsStage(t testing.TB) *sockets.Stage {
	tr := ws.New()
	if _, errs := tr.Configure(options); errs != nil {
		t.Fatal(errs)
	}
	return started(sockets.StageOf(t, &tr.Transport, 1))
}

func started(s *sockets.Stage) *sockets.Stage {
	s.Listen(0, sdk.Listen{})
	return s
}

// story is what a device may send, in frames.
func story() (frames [][]byte) {
	for _, f := range []wire.Frame{
		&wire.Connect{User: "alice", Device: "phone", Client: "fuzz", Groups: []string{"room"}},
		&wire.Ack{Seq: 3, Ranges: []wire.SeqRange{{First: 5, Last: 7}}},
		&wire.Send{ID: []byte("u1"), Name: []byte("order"), Payload: bytes.Repeat([]byte("payload "), 40)},
		&wire.Ping{},
		&wire.Nack{Seq: 9, RetryAfterMS: 100, Text: "later"},
		&wire.Join{Group: "room", Position: 4},
		&wire.Leave{Group: "room"},
		&wire.Send{ID: []byte("u2")},
	} {
		frames = append(frames, f.Append(nil))
	}
	return frames
}

func streamOf(frames [][]byte) (out []byte) {
	for _, f := range frames {
		start := len(out)
		out = wire.PrefixLength(append(out, f...), start)
	}
	return out
}

// framesOf splits a stream as far as it has whole frames.
func framesOf(stream []byte) (frames [][]byte) {
	for {
		frame, rest, err := wire.SplitFrame(stream, wire.ConnectBytesMax)
		if err != nil {
			return frames
		}
		frames, stream = append(frames, frame), rest
	}
}

const upgrade = "GET /connect HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: pushcore.v1\r\n\r\n"

// webSocketOf puts frames into messages, cut into fragments with pings in between
// if there is chance for that.
func webSocketOf(t testing.TB, frames [][]byte, random *rand.Rand) []byte {
	var out bytes.Buffer
	write := func(f gobwas.Frame) {
		if err := gobwas.WriteFrame(&out, gobwas.MaskFrame(f)); err != nil {
			t.Fatal(err)
		}
	}
	out.WriteString(upgrade)
	for _, frame := range frames {
		opcode, rest := gobwas.OpBinary, bytes.Clone(frame)
		for random != nil && random.IntN(3) == 0 {
			n := random.IntN(len(rest) + 1)
			write(gobwas.NewFrame(opcode, false, bytes.Clone(rest[:n])))
			opcode, rest = gobwas.OpContinuation, rest[n:]
			if random.IntN(2) == 0 {
				write(gobwas.NewPingFrame([]byte("there?")))
			}
		}
		write(gobwas.NewFrame(opcode, true, rest))
	}
	return out.Bytes()
}

// feed feeds a stream in pieces, handing the connection to another process in
// between; with none it is fed at once.
func feed(s *sockets.Stage, stream []byte, random *rand.Rand) ([]sdk.Event, []byte) {
	f := s.Connection()
	for random != nil && len(stream) > 0 {
		n := 1 + random.IntN(min(len(stream), 1<<random.IntN(12)))
		f.Feed(stream[:n])
		stream = stream[n:]
		if random.IntN(8) == 0 {
			f.Hand()
		}
	}
	f.Feed(stream)
	return f.Result()
}

// check says how two ways to read one stream differ.
func check(t *testing.T, got, want []sdk.Event, wrote, wanted []byte) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("events\n%+v\nwant\n%+v", got, want)
	}
	if !bytes.Equal(wrote, wanted) {
		t.Errorf("wrote\n%q\nwant\n%q", wrote, wanted)
	}
}

// FuzzReadStream: how the stream of a device is cut makes no difference.
func FuzzReadStream(f *testing.F) {
	whole := streamOf(story())
	f.Add(whole, uint64(1))
	f.Add(whole[:len(whole)-3], uint64(2))
	f.Add(append(bytes.Clone(whole[:200]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), uint64(3))
	f.Add([]byte{0}, uint64(4))
	s := tcpStage(f)
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		s.T = t
		want, wanted := feed(s, stream, nil)
		got, wrote := feed(s, stream, rand.New(rand.NewPCG(seed, 1)))
		check(t, got, want, wrote, wanted)
	})
}

// FuzzReadWebSocket is the same for what may be a WebSocket.
func FuzzReadWebSocket(f *testing.F) {
	whole := webSocketOf(f, story(), rand.New(rand.NewPCG(1, 1)))
	f.Add(whole, uint64(1))
	f.Add(whole[:len(upgrade)-5], uint64(2))
	f.Add(whole[:len(whole)-5], uint64(3))
	f.Add([]byte(upgrade+"\x81\x80\x00\x00\x00\x00"), uint64(4))
	f.Add([]byte(upgrade+"\x88\x82\x00\x00\x00\x00\x03\xe8"), uint64(5))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), uint64(6))
	s := wsStage(f)
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		s.T = t
		want, wanted := feed(s, stream, nil)
		got, wrote := feed(s, stream, rand.New(rand.NewPCG(seed, 1)))
		check(t, got, want, wrote, wanted)
	})
}

// FuzzWebSocketBringsTheSameFrames: what a device sends leads to the same events,
// whether its frames stand behind their lengths or in messages cut into fragments.
func FuzzWebSocketBringsTheSameFrames(f *testing.F) {
	f.Add(streamOf(story()), uint64(1))
	f.Add(streamOf(story()[:1]), uint64(2))
	overTCP, overWS := tcpStage(f), wsStage(f)
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		overTCP.T, overWS.T = t, t
		random := rand.New(rand.NewPCG(seed, 2))
		frames := framesOf(stream)
		want, _ := feed(overTCP, streamOf(frames), nil)
		got, _ := feed(overWS, webSocketOf(t, frames, random), random)
		for _, events := range [][]sdk.Event{got, want} {
			for i := range events {
				if c := events[i].Connect; c != nil {
					c.Meta = nil // The transports tell different things.
				}
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("events\n%+v\nwant\n%+v", got, want)
		}
	})
}
