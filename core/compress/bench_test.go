package compress

import (
	"fmt"
	"testing"
)

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the zstd library keeps tables in a sync.Pool, which forgets at random under the race detector")
	}
	eachCodec(t, func(t *testing.T, c Codec) {
		for _, n := range []int{250, 10_000, 200_000} {
			src := records(n)
			out := make([]byte, 0, MaxCompressedLen(n))
			back := make([]byte, 0, n+64)
			turn := func() {
				out, _ = c.Compress(out[:0], src)
				var err error
				if back, err = c.Decompress(back[:0], out, n); err != nil {
					t.Fatal(err)
				}
			}
			turn()
			if allocs := testing.AllocsPerRun(50, turn); allocs != 0 {
				t.Errorf("%d bytes: %v allocations", n, allocs)
			}
		}
		dense := noise(1000)
		out := make([]byte, 0, MaxCompressedLen(1000))
		if allocs := testing.AllocsPerRun(50, func() { c.Compress(out, dense) }); allocs != 0 {
			t.Errorf("noise: %v allocations", allocs)
		}
	})
}

func BenchmarkCompress(b *testing.B) {
	each(b, func(b *testing.B, c Codec, src []byte) {
		out := make([]byte, 0, MaxCompressedLen(len(src)))
		for b.Loop() {
			out, _ = c.Compress(out[:0], src)
		}
		b.ReportMetric(float64(len(out))/float64(len(src)), "out/in")
	})
}

func BenchmarkDecompress(b *testing.B) {
	each(b, func(b *testing.B, c Codec, src []byte) {
		out, _ := c.Compress(nil, src)
		back := make([]byte, 0, len(src)+64)
		for b.Loop() {
			var err error
			if back, err = c.Decompress(back[:0], out, len(src)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func each(b *testing.B, f func(*testing.B, Codec, []byte)) {
	r := NewRegistry()
	for _, name := range Names() {
		for _, n := range []int{250, 1000, 10_000, 100_000} {
			c, _ := r.Lookup(name)
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(n))
				f(b, c, records(n))
			})
		}
	}
}
