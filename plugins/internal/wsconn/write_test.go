package wsconn

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

func TestFramesAreWrittenAsGobwasReadsThem(t *testing.T) {
	for _, opcode := range []Opcode{Text, Binary, Ping, Pong} {
		for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536, 70000} {
			if opcode.isControl() && size > controlBytesMax {
				continue
			}
			payload := []byte(strings.Repeat("x", size))
			b := AppendFrame([]byte("before"), opcode, payload)
			r := bytes.NewReader(b[len("before"):])
			h, err := ws.ReadHeader(r)
			if err != nil || ws.CheckHeader(h, ws.StateClientSide) != nil {
				t.Fatalf("%v of %d: %v", opcode, size, err)
			}
			if !h.Fin || h.OpCode != ws.OpCode(opcode) || h.Length != int64(size) || r.Len() != size {
				t.Errorf("%v of %d: header %+v, %d bytes behind it", opcode, size, h, r.Len())
			}
			if headerBytes := len(b) - len("before") - size; headerBytes != ws.HeaderSize(h) || headerBytes > ServerHeaderBytesMax {
				t.Errorf("%v of %d: header of %d bytes", opcode, size, headerBytes)
			}
		}
	}
}

func TestControlFrameTooLongPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a ping of 126 bytes was written")
		}
	}()
	AppendFrame(nil, Ping, make([]byte, 126))
}

func TestWritingCostsNoAllocation(t *testing.T) {
	dst := make([]byte, 0, 80000)
	body := make([]byte, 70000)
	conn := NewConn(0)
	allocations := testing.AllocsPerRun(100, func() {
		b := AppendHeader(dst, Binary, len(body))
		b = AppendFrame(b, Pong, body[:125])
		b = AppendFrame(b, Text, body)
		conn.flags = 0
		conn.AppendClose(b, 4503, "kicked")
	})
	if allocations != 0 {
		t.Errorf("%v allocations, want 0", allocations)
	}
}

func BenchmarkAppendHeader(b *testing.B) {
	dst := make([]byte, 0, ServerHeaderBytesMax)
	b.ReportAllocs()
	for b.Loop() {
		AppendHeader(dst, Binary, 128)
	}
}
