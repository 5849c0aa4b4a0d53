package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"testing"
)

func TestSplitFrameAgreesWithTheVectors(t *testing.T) {
	for _, v := range readVectors(t, "testdata/stream.txt") {
		limit, err := strconv.Atoi(v.fields["limit"])
		if err != nil {
			t.Fatal(err)
		}
		rest, frames := v.bytes(t, "stream"), []string{}
		for err == nil {
			var frame []byte
			if frame, rest, err = SplitFrame(rest, limit); err == nil {
				frames = append(frames, hex.EncodeToString(frame))
			}
		}
		if got := strings.Join(frames, " "); got != v.fields["frames"] {
			t.Errorf("%s: got frames %s", v.fields["name"], got)
		}
		if !bytes.Equal(rest, v.bytes(t, "rest")) {
			t.Errorf("%s: % x is left", v.fields["name"], rest)
		}
		if v.fields["code"] == "" != errors.Is(err, ErrIncomplete) {
			t.Errorf("%s: got %v", v.fields["name"], err)
		}
		if v.fields["code"] != "" && strconv.Itoa(int(CodeOf(err))) != v.fields["code"] {
			t.Errorf("%s: got %v", v.fields["name"], err)
		}
	}
}

func TestSplitFrameTakesAStreamInPiecesOfAnySize(t *testing.T) {
	var stream, want []byte
	for _, test := range fullFrames {
		start := len(stream)
		stream = PrefixLength(test.frame.Append(stream), start)
		want = test.frame.Append(want)
	}
	for size := 1; size <= len(stream); size++ {
		var buf, got []byte
		for at := 0; at < len(stream); at += size {
			buf = append(buf, stream[at:min(at+size, len(stream))]...)
			for {
				frame, rest, err := SplitFrame(buf, 1<<20)
				if err != nil {
					if !errors.Is(err, ErrIncomplete) {
						t.Fatal(err)
					}
					break
				}
				got, buf = append(got, frame...), rest
			}
		}
		if !bytes.Equal(got, want) || len(buf) != 0 {
			t.Fatalf("pieces of %d bytes give other frames", size)
		}
	}
}

func TestSplitFrameDoesNotLetAppendsReachTheNextFrame(t *testing.T) {
	frame, rest, err := SplitFrame([]byte{2, 14, 0, 2, 15, 0}, 10)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(frame, 99)
	if !bytes.Equal(rest, []byte{2, 15, 0}) {
		t.Errorf("the rest became % x", rest)
	}
}

func TestFrameSizeCountsTheLengthItself(t *testing.T) {
	tests := []struct {
		buf  []byte
		want int
	}{
		{nil, 0}, {[]byte{0x80}, 0}, {[]byte{5}, 6}, {[]byte{5, 1, 1}, 6}, {[]byte{0x80, 0x01}, 130},
		{[]byte{0xff, 0x80, 0}, 0},
	}
	for _, test := range tests {
		if got := FrameSize(test.buf); got != test.want {
			t.Errorf("% x: got %d, want %d", test.buf, got, test.want)
		}
	}
}

func TestPrefixLengthAtEverySizeOfLength(t *testing.T) {
	for _, size := range []int{1, 127, 128, 16383, 16384, 1 << 21} {
		frame := bytes.Repeat([]byte{7}, size)
		stream := PrefixLength(append([]byte("before"), frame...), len("before"))
		if !bytes.HasPrefix(stream, []byte("before")) {
			t.Fatalf("%d: what was there before is gone", size)
		}
		got, rest, err := SplitFrame(stream[len("before"):], 1<<22)
		if err != nil || len(rest) != 0 || !bytes.Equal(got, frame) {
			t.Errorf("%d: got %d bytes, %d left, %v", size, len(got), len(rest), err)
		}
	}
}

func TestIncompleteFramesDoNotAllocate(t *testing.T) {
	buf := []byte{20, 7, 7, 7}
	if n := testing.AllocsPerRun(100, func() { _, _, _ = SplitFrame(buf, 100) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzSplitFrame(f *testing.F) {
	for _, v := range readVectors(f, "testdata/stream.txt") {
		f.Add(v.bytes(f, "stream"), 100)
	}
	f.Fuzz(func(t *testing.T, stream []byte, limit int) {
		var again []byte
		rest := stream
		for {
			frame, after, err := SplitFrame(rest, max(limit, 0))
			if err != nil {
				if !bytes.Equal(after, rest) {
					t.Fatal("something was taken together with an error")
				}
				break
			}
			if len(frame) == 0 || len(frame) > limit || FrameSize(rest) != len(rest)-len(after) {
				t.Fatalf("% x was taken off % x with limit %d", frame, rest, limit)
			}
			start := len(again)
			again = PrefixLength(append(again, frame...), start)
			rest = after
		}
		if again = append(again, rest...); !bytes.Equal(again, stream) {
			t.Fatalf("% x put together again is % x", stream, again)
		}
	})
}
