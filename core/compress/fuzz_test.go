package compress

import (
	"bytes"
	"testing"
)

const fuzzMax = 1 << 16

func FuzzSnappyDecompress(f *testing.F) { fuzzDecompress(f, snappyCodec{}) }
func FuzzZstdDecompress(f *testing.F)   { fuzzDecompress(f, newZstdCodec()) }

// fuzzDecompress feeds a decoder: it keeps its bound and what stands before,
// and what it accepts survives a round trip.
func fuzzDecompress(f *testing.F, c Codec) {
	for _, n := range []int{Threshold, 1000, 10_000} {
		out, _ := c.Compress(nil, records(n))
		f.Add(out)
		f.Add(out[:len(out)/2])
	}
	f.Add(read(f, "text.zst"))
	f.Add([]byte("\x0a\x04ab\x11\x02"))
	f.Fuzz(func(t *testing.T, src []byte) {
		out, err := c.Decompress([]byte("before"), src, fuzzMax)
		if !bytes.HasPrefix(out, []byte("before")) {
			t.Fatal("what stood in dst is gone")
		}
		if err != nil && len(out) != len("before") || len(out) > len("before")+fuzzMax {
			t.Fatalf("%d bytes, %v", len(out), err)
		}
		again, ok := c.Compress(nil, out)
		if !ok {
			return
		}
		if back, err := c.Decompress(nil, again, len(out)); err != nil || !bytes.Equal(back, out) {
			t.Fatalf("round trip: %v", err)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(records(1000), uint8(1))
	f.Add(noise(300), uint8(9))
	f.Add(make([]byte, 300), uint8(200))
	r := NewRegistry()
	f.Fuzz(func(t *testing.T, part []byte, times uint8) {
		src := bytes.Repeat(part, int(times)%16+1)
		for _, name := range Names() {
			c, _ := r.Lookup(name)
			out, ok := c.Compress(nil, src)
			if !ok {
				continue
			}
			if len(out) >= len(src) || len(src) < Threshold {
				t.Fatalf("%s: %d bytes became %d", name, len(src), len(out))
			}
			if back, err := c.Decompress(nil, out, len(src)); err != nil || !bytes.Equal(back, src) {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}
