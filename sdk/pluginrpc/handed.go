package pluginrpc

import (
	"fmt"

	"github.com/pushcore/pushcore/sdk"
)

// Handed is a connection on its way to the process that takes this one's place.
type Handed struct {
	sdk.Frozen
	kept *keptConn
}

// AppendHanded appends all of a connection but its descriptor.
func AppendHanded(b []byte, h *Handed) []byte {
	b = appendUint(b, uint64(h.Conn))
	b = appendBytes(b, h.State)
	k := h.kept
	if k == nil {
		return appendUint(b, 0)
	}
	b = appendUint(b, 1)
	b = appendBytes(b, k.keep)
	b = appendUint(appendUint(b, k.seq), k.acked)
	b = appendInt(b, int64(k.queued))
	b = appendUint(b, uint64(flag(k.attached, 1)))
	b = appendUint(b, uint64(len(k.asked)))
	for i := range k.asked {
		b = appendUint(b, uint64(k.asked[i].kind))
		b = appendString(b, k.asked[i].group)
		b = appendBytes(b, k.asked[i].record)
	}
	return b
}

// ReadHanded decodes a connection, whose descriptor comes beside. What it returns
// holds parts of b.
func ReadHanded(b []byte) (Handed, error) {
	f := fields{body: b}
	h := Handed{Frozen: sdk.Frozen{Conn: sdk.ConnID(f.uint()), FD: -1, State: f.bytes()}}
	if f.bool() {
		k := &keptConn{keep: f.bytes(), seq: f.uint(), acked: f.uint(), queued: f.int(), attached: f.bool()}
		for range f.count(3) {
			k.asked = append(k.asked, asking{sdk.EventKind(f.enum(uint8(sdk.EventClosed))), f.string(), f.bytes()})
		}
		h.kept = k
	}
	if f.fault == "" && len(f.body) > 0 {
		f.fail("bytes after the last field")
	}
	if f.fault != "" {
		return Handed{}, fmt.Errorf("%w: a connection that was handed over: %s", ErrMalformed, f.fault)
	}
	return h, nil
}
