package admit

import (
	"encoding/binary"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// idOf is a record's id where it has no push-id: its stable position, else the
// broker's own id, else empty.
//
// The position carries the record's timestamp, so that a topic that was deleted
// and made again does not repeat ids.
func idOf(from From, rec *sdk.Record) string {
	switch {
	case from.Stable:
		b := make([]byte, 0, wire.MessageIDBytesMax)
		b = append(b, from.Source...)
		b = strconv.AppendUint(append(b, '/'), rec.Position, 10)
		if !rec.Timestamp.IsZero() {
			b = strconv.AppendInt(append(b, '@'), rec.Timestamp.UnixMilli(), 10)
		}
		return fitID(b)
	case rec.MessageID != "":
		return fitID([]byte(rec.MessageID))
	}
	return ""
}

// fitID makes an id that devices can take of one that is too long or not text:
// its beginning, as far as that is plain, and a hash of the whole.
func fitID(id []byte) string {
	if len(id) <= wire.MessageIDBytesMax && validText(id) {
		return string(id)
	}
	const kept = 64
	short := make([]byte, 0, kept+17)
	for _, c := range id[:min(len(id), kept)] {
		if c <= ' ' || c >= 0x7f {
			c = '_'
		}
		short = append(short, c)
	}
	short = append(short, '~')
	return string(strconv.AppendUint(short, xxhash.Sum64(id), 16))
}

// fingerprint is a hash of what must not change under one id: body, receivers,
// exclusions, platforms, class. It is the same in every build and run, since it is
// kept with the id.
func fingerprint(m *envelope.Message) uint64 {
	var d xxhash.Digest
	d.Reset()
	var field [1 + binary.MaxVarintLen64]byte
	text := func(kind byte, s string) {
		field[0] = kind
		_, _ = d.Write(binary.AppendUvarint(field[:1], uint64(len(s))))
		_, _ = d.WriteString(s)
	}
	for _, a := range m.To {
		text('t', a.ID)
		text(byte(a.Kind), a.Device)
	}
	for _, a := range m.Except {
		text('e', a.ID)
		text(byte(a.Kind), a.Device)
	}
	for _, platform := range m.Platforms {
		text('p', platform)
	}
	_, _ = d.Write([]byte{'c', byte(m.Class), 'b'})
	_, _ = d.Write(m.Payload)
	return d.Sum64()
}
