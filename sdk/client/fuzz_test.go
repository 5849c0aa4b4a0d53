package client

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/pushcore/pushcore/sdk/wire"
)

// replay is a connection that brings given bytes.
type replay struct {
	net.Conn
	io.Reader
}

func (r replay) Read(b []byte) (int, error)       { return r.Reader.Read(b) }
func (r replay) SetReadDeadline(time.Time) error  { return nil }
func (r replay) SetWriteDeadline(time.Time) error { return nil }

// FuzzReadFrame: whatever a node sends, reading ends, and no frame is longer
// than allowed.
func FuzzReadFrame(f *testing.F) {
	ping := (&wire.Ping{Number: 3}).Append(nil)
	f.Add(false, wire.PrefixLength(bytes.Clone(ping), 0))
	f.Add(false, []byte{0xff, 0xff, 0xff, 0xff, 1})
	for _, frame := range []ws.Frame{ws.NewBinaryFrame(ping), ws.NewPingFrame([]byte("x")), ws.NewCloseFrame(ws.NewCloseFrameBody(4503, "out")), ws.NewTextFrame(ping)} {
		f.Add(true, ws.MustCompileFrame(frame))
	}
	f.Add(true, []byte{0x02, 1, 1, 0x89, 0, 0x80, 1, 2})
	const limit = 2000
	f.Fuzz(func(t *testing.T, webSocketFrames bool, b []byte) {
		conn := replay{Reader: bytes.NewReader(b)}
		var transport transport = newStream(conn, limit)
		if webSocketFrames {
			w := &webSocket{conn: conn, limit: limit, wake: make(chan struct{}, 1)}
			w.reader = wsutil.Reader{Source: conn, State: ws.StateClientSide, MaxMessageSize: limit, OnIntermediate: w.control}
			transport = w
		}
		for range len(b) + 1 {
			frame, err := transport.readFrame()
			if err != nil {
				return
			}
			if len(frame) == 0 || len(frame) > limit {
				t.Fatalf("a frame of %d bytes", len(frame))
			}
		}
		t.Fatal("more frames than bytes")
	})
}

// FuzzDecompress: whatever a payload declares, the result is within the limit.
func FuzzDecompress(f *testing.F) {
	f.Add("snappy", []byte{10, 36, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'})
	f.Add("zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x01, 0x09, 0x00, 0x00, 'x'})
	f.Add("none", []byte("x"))
	f.Fuzz(func(t *testing.T, codec string, b []byte) {
		var d decompressor
		const limit = 1000
		if out, err := d.decompress(codec, b, limit); err == nil && len(out) > limit {
			t.Fatalf("%d bytes", len(out))
		}
	})
}
