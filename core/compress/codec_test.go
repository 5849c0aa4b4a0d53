package compress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// records returns n bytes of JSON records, as backends push them.
func records(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, `{"id":"%08x","user":"user-%d","amount":%d.%02d,"currency":"EUR","text":"your order %d has shipped"},`,
			r.Uint32(), r.IntN(100_000), r.IntN(1000), r.IntN(100), r.IntN(100_000))
	}
	return b.Bytes()[:n]
}

// noise returns n bytes that do not shrink.
func noise(n int) []byte {
	r := rand.NewChaCha8([32]byte{})
	b := make([]byte, n)
	r.Read(b)
	return b
}

func eachCodec(t *testing.T, f func(*testing.T, Codec)) {
	r := NewRegistry()
	for _, name := range Names() {
		c, ok := r.Lookup(name)
		if !ok {
			t.Fatalf("no codec %q", name)
		}
		t.Run(name, func(t *testing.T) { f(t, c) })
	}
}

func TestWhatIsCompressedComesBack(t *testing.T) {
	eachCodec(t, func(t *testing.T, c Codec) {
		for _, n := range []int{Threshold, Threshold + 1, 255, 256, 257, 1000, 1 << 14, 65_535, 65_536, 65_537, 128 << 10, 128<<10 + 1, 3 << 20} {
			for kind, src := range map[string][]byte{"records": records(n), "zeros": make([]byte, n)} {
				kept := bytes.Clone(src)
				prefix := []byte("before")
				out, ok := c.Compress(prefix, src)
				if !ok {
					t.Fatalf("%d bytes of %s do not shrink", n, kind)
				}
				if len(out)-len(prefix) >= n || !bytes.HasPrefix(out, prefix) || !bytes.Equal(src, kept) {
					t.Fatalf("%d bytes of %s: %d bytes out", n, kind, len(out)-len(prefix))
				}
				back, err := c.Decompress([]byte("before"), out[len(prefix):], n)
				if err != nil || string(back[:6]) != "before" || !bytes.Equal(back[6:], src) {
					t.Fatalf("%d bytes of %s: %v", n, kind, err)
				}
			}
		}
	})
}

func TestSmallAndDensePayloadsStayAsTheyAre(t *testing.T) {
	eachCodec(t, func(t *testing.T, c Codec) {
		for name, src := range map[string][]byte{
			"empty":               {},
			"one byte":            {1},
			"below the threshold": make([]byte, Threshold-1),
			"noise":               noise(1000),
			"much noise":          noise(1 << 20),
		} {
			out, ok := c.Compress([]byte("before"), src)
			if ok || string(out) != "before" {
				t.Errorf("%s: compressed %v, %d bytes in dst", name, ok, len(out))
			}
		}
	})
}

func TestDecompressHoldsItsBound(t *testing.T) {
	eachCodec(t, func(t *testing.T, c Codec) {
		src := make([]byte, 1<<20)
		out, ok := c.Compress(nil, src)
		if !ok {
			t.Fatal("zeros do not shrink")
		}
		for _, bound := range []int{-1, 0, 1, 1<<20 - 1} {
			if back, err := c.Decompress(nil, out, bound); !errors.Is(err, ErrTooLarge) || back != nil {
				t.Errorf("bound %d: %d bytes, %v", bound, len(back), err)
			}
		}
		if back, err := c.Decompress(nil, out, 1<<20); err != nil || !bytes.Equal(back, src) {
			t.Errorf("at the bound: %v", err)
		}
	})
}

func TestCorruptDataIsRefused(t *testing.T) {
	eachCodec(t, func(t *testing.T, c Codec) {
		whole, _ := c.Compress(nil, records(5000))
		for n := range whole {
			if _, err := c.Decompress(nil, whole[:n], 1<<20); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("first %d of %d bytes: %v", n, len(whole), err)
			}
		}
		for name, src := range map[string][]byte{
			"nothing":  nil,
			"zeros":    make([]byte, 100),
			"text":     []byte(strings.Repeat("not compressed", 20)),
			"appended": append(bytes.Clone(whole), 1, 2, 3, 4, 5),
			"twice":    append(bytes.Clone(whole), whole...),
		} {
			if back, err := c.Decompress([]byte("before"), src, 1<<20); err == nil || string(back) != "before" {
				t.Errorf("%s: accepted, %d bytes", name, len(back))
			}
		}
		// A codec that has refused something still works.
		if _, err := c.Decompress(nil, whole, 1<<20); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSnappyLengthThatCannotBeIsRefusedBeforeAllocating(t *testing.T) {
	lie := append(binary.AppendUvarint(nil, 64<<20), noise(100)...)
	c := snappyCodec{}
	if n := testing.AllocsPerRun(10, func() {
		if _, err := c.Decompress(nil, lie, 64<<20); !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a lie", n)
	}
	// The densest that the format allows passes.
	dense := snappy.Encode(nil, make([]byte, 64<<10))
	if _, err := c.Decompress(nil, dense, 64<<10); err != nil {
		t.Errorf("%d bytes for 64 KiB: %v", len(dense), err)
	}
}

func TestZstdFramesThatWeDoNotTake(t *testing.T) {
	text := records(1000)
	frame := func(options ...zstd.EOption) []byte {
		e, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderConcurrency(1))...)
		if err != nil {
			t.Fatal(err)
		}
		return e.EncodeAll(text, nil)
	}
	streamed := new(bytes.Buffer)
	e, err := zstd.NewWriter(streamed, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	e.Write(text[:500])
	e.Flush() // so that the header is out before the length is known
	e.Write(text[500:])
	e.Close()
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}, "skip"...)
	// Magic, descriptor (8-byte length, single segment), length, last raw block.
	huge := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0}
	more := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 100, 0x09, 0, 0, 'x'}
	less := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 0x21, 0, 0, 'a', 'b', 'c', 'd'}
	wide := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x80, 0xa0, 1, 0, 0, 0, 0x09, 0, 0, 'x'} // a window of 1 GiB
	cases := []struct {
		name string
		src  []byte
		want error
	}{
		{"no declared length", streamed.Bytes(), ErrCorrupt},
		{"skippable frame", skippable, ErrCorrupt},
		{"skippable before", append(bytes.Clone(skippable), frame()...), ErrCorrupt},
		{"unknown dictionary", frame(zstd.WithEncoderDictRaw(7, text), zstd.WithSingleSegment(true)), ErrCorrupt},
		{"length of 2^63", huge, ErrTooLarge},
		{"declares more than it has", more, ErrCorrupt},
		{"declares less than it has", less, ErrCorrupt},
		{"window too large", wide, ErrCorrupt},
	}
	c := newZstdCodec()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if back, err := c.Decompress(nil, tc.src, 1<<20); err != tc.want {
				t.Errorf("%d bytes, %v; want %v", len(back), err, tc.want)
			}
		})
	}
	for name, src := range map[string][]byte{"checksum": frame(zstd.WithEncoderCRC(true)), "best": frame(zstd.WithEncoderLevel(zstd.SpeedBestCompression))} {
		if back, err := c.Decompress(nil, src, 1<<20); err != nil || !bytes.Equal(back, text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A frame must not reach what stands in dst before its own bytes.
func TestZstdFrameCannotReadWhatStandsBefore(t *testing.T) {
	secret := noise(300)
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderDictRaw(1, secret), zstd.WithSingleSegment(true))
	if err != nil {
		t.Fatal(err)
	}
	frame := e.EncodeAll(secret, nil)
	if frame[4]&3 != 1 || frame[5] != 1 {
		t.Fatalf("unexpected header % x", frame[:8])
	}
	frame = append(bytes.Clone(frame[:5]), frame[6:]...) // without the dictionary's number
	frame[4] &^= 3
	if out, err := newZstdCodec().Decompress(secret, frame, 1<<20); err == nil {
		t.Fatalf("read %d bytes from before the frame", len(out)-len(secret))
	}
}

// The files are written by the reference implementation, zstd 1.5.
func TestZstdReadsWhatOthersWrite(t *testing.T) {
	want := read(t, "text.bin")
	c := newZstdCodec()
	for _, file := range []string{"text.zst", "text19.zst"} {
		if got, err := c.Decompress(nil, read(t, file), 1<<20); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := c.Decompress(nil, read(t, "text_streamed.zst"), 1<<20); err != ErrCorrupt {
		t.Errorf("a stream without length: %v", err)
	}
}

// Vectors spelled out by Snappy's format description.
func TestSnappyReadsTheFormat(t *testing.T) {
	for _, v := range []struct{ name, src, want string }{
		{"empty", "\x00", ""},
		{"literal", "\x05\x10hello", "hello"},
		{"copy with 1-byte offset", "\x0a\x04ab\x11\x02", "ababababab"},
		{"copy with 2-byte offset", "\x06\x08abc\x0a\x03\x00", "abcabc"},
		{"copy with 4-byte offset", "\x06\x08abc\x0b\x03\x00\x00\x00", "abcabc"},
	} {
		if got, err := (snappyCodec{}).Decompress(nil, []byte(v.src), 100); err != nil || string(got) != v.want {
			t.Errorf("%s: %q, %v", v.name, got, err)
		}
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
