package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gobwas/ws"

	"github.com/pushcore/pushcore/sdk/wire"
)

func TestBenchPayloadSaysWhatItIsAndThatItIsWhole(t *testing.T) {
	stamp := benchStamp{stream: 3, number: 1 << 30, intended: 1 << 60}
	for _, size := range []int{benchStampBytes, benchStampBytes + 1, 5000} {
		b := appendBenchPayload([]byte("before"), stamp, size)[len("before"):]
		if got, ok := parseBenchPayload(b); !ok || got != stamp || len(b) != size {
			t.Errorf("of %d bytes: %d bytes, %+v, %v", size, len(b), got, ok)
		}
		for i := range b {
			b[i] ^= 1
			if _, ok := parseBenchPayload(b); ok {
				t.Fatalf("of %d bytes: byte %d is changed and nobody sees it", size, i)
			}
			b[i] ^= 1
		}
	}
	if _, ok := parseBenchPayload([]byte("hello")); ok {
		t.Error("another payload is taken for one of ours")
	}
}

func TestBenchStreamTellsLateFromRepeated(t *testing.T) {
	var s benchStream
	steps := []struct {
		number uint32
		want   benchVerdict
	}{{1, benchNext}, {2, benchNext}, {2, benchAgain}, {5, benchNext}, {4, benchLate}, {4, benchAgain}, {1, benchAgain}, {3, benchLate},
		{200, benchNext}, {137, benchLate}, {137, benchAgain}, {5, benchLate}, {201, benchNext}, {200, benchAgain}}
	for i, step := range steps {
		if got := s.take(step.number); got != step.want {
			t.Errorf("step %d, number %d: %d, want %d", i, step.number, got, step.want)
		}
	}
}

// FuzzBenchSplit: whatever comes, frames and rest are what was there, and a
// part of a frame is never taken for one.
func FuzzBenchSplit(f *testing.F) {
	for _, webSocket := range []bool{false, true} {
		target := benchTarget{WebSocket: webSocket}
		f.Add(webSocket, target.appendFrame(nil, &wire.Ping{Number: 7}))
		f.Add(webSocket, []byte{0x82, 126, 0, 3, 1, 2, 3, 0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1, 9})
		f.Add(webSocket, []byte{0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, webSocket bool, b []byte) {
		target := benchTarget{WebSocket: webSocket}
		frame, rest, _, err := target.split(b)
		switch {
		case err == nil:
			if !bytes.HasSuffix(b, append(bytes.Clone(frame), rest...)) {
				t.Errorf("frame %x and rest %x are not the end of %x", frame, rest, b)
			}
			for cut := range len(b) - len(rest) {
				if _, _, _, err := target.split(b[:cut]); !errors.Is(err, wire.ErrIncomplete) {
					t.Fatalf("%d bytes of %x: %v", cut, b, err)
				}
			}
		case errors.Is(err, wire.ErrIncomplete):
			if !bytes.Equal(rest, b) {
				t.Errorf("rest %x of %x", rest, b)
			}
		}
	})
}

func TestBenchFramesAreReadByOthers(t *testing.T) {
	for _, size := range []int{1, 125, 126, 65_535} {
		b := maskBenchFrame(append([]byte("x"), bytes.Repeat([]byte{7}, size)...), 1, ws.OpBinary)[1:]
		in := bytes.NewReader(b)
		h, err := ws.ReadHeader(in)
		payload := b[len(b)-in.Len():]
		ws.Cipher(payload, h.Mask, 0)
		if err != nil || !h.Masked || !h.Fin || h.Length != int64(size) || !bytes.Equal(payload, bytes.Repeat([]byte{7}, size)) {
			t.Errorf("%d bytes: %+v, %v", size, h, err)
		}
	}
}
