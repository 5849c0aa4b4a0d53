package wire

import "encoding/binary"

// Push brings a message to the device.
//
//	head  type 6 | kind | [seq]
//	body  flags | id | [name] | [from_user] | [from_group] | [position] |
//	      [headers] | payload
//
// kind: 1 reliable, with a seq; 0 fast, without. flags: 1 name, 2 from_user,
// 4 from_group, 8 position, 16 headers, 32 compressed; a field whose flag is
// not set is absent, one whose flag is set is not empty. The payload is the
// rest of the frame.
//
// The head is one connection's, the body is the same bytes for all receivers
// of a message: encode it once (AppendPushBody) and put a head before it for
// each (AppendPushHead).
type Push struct {
	Seq uint64 // Reliable: its number in the session, from 1; fast: 0.

	ID         []byte // 1 to MessageIDBytesMax bytes.
	Name       []byte // What kind of message; at most NameBytesMax bytes.
	FromUser   []byte // It was addressed to this user
	FromGroup  []byte // or to this group; neither: to the device or to all.
	Position   uint64 // Its position in the group's history; 0: there is none.
	Headers    []Header
	Compressed bool // The payload is compressed with ACCEPT's codec.
	Payload    []byte
}

const (
	pushReliable = 1

	pushName       = 1
	pushFromUser   = 2
	pushFromGroup  = 4
	pushPosition   = 8
	pushHeaders    = 16
	pushCompressed = 32
	pushFlags      = pushName | pushFromUser | pushFromGroup | pushPosition | pushHeaders | pushCompressed
)

// PushHeadBytesMax is the longest head of a PUSH, its length prefix included.
const PushHeadBytesMax = 8 + 2 + 8

// Type returns TypePush.
func (*Push) Type() Type { return TypePush }

// Append implements Frame.
func (p *Push) Append(dst []byte) []byte {
	return AppendPushBody(AppendPushHead(dst, p.Seq), p)
}

// AppendPushHead appends what comes before the body; seq is 0 for a fast
// message.
func AppendPushHead(dst []byte, seq uint64) []byte {
	if seq == 0 {
		return append(dst, byte(TypePush), 0)
	}
	return binary.AppendUvarint(append(dst, byte(TypePush), pushReliable), seq)
}

// AppendStreamPushHead is AppendPushHead for a byte stream: with the length of
// the frame before it, whose body takes bodyBytes.
func AppendStreamPushHead(dst []byte, seq uint64, bodyBytes int) []byte {
	headBytes := 2
	if seq != 0 {
		headBytes += uvarintSize(seq)
	}
	return AppendPushHead(binary.AppendUvarint(dst, uint64(headBytes+bodyBytes)), seq)
}

// AppendPushBody appends all of p that does not depend on its receiver.
func AppendPushBody(dst []byte, p *Push) []byte {
	dst = append(dst, p.flags())
	dst = appendBytes(dst, p.ID)
	if len(p.Name) > 0 {
		dst = appendBytes(dst, p.Name)
	}
	if len(p.FromUser) > 0 {
		dst = appendBytes(dst, p.FromUser)
	}
	if len(p.FromGroup) > 0 {
		dst = appendBytes(dst, p.FromGroup)
	}
	if p.Position > 0 {
		dst = binary.AppendUvarint(dst, p.Position)
	}
	if len(p.Headers) > 0 {
		dst = appendHeaders(dst, p.Headers)
	}
	return append(dst, p.Payload...)
}

func (p *Push) flags() byte {
	return flagBit(len(p.Name) > 0, pushName) |
		flagBit(len(p.FromUser) > 0, pushFromUser) |
		flagBit(len(p.FromGroup) > 0, pushFromGroup) |
		flagBit(p.Position > 0, pushPosition) |
		flagBit(len(p.Headers) > 0, pushHeaders) |
		flagBit(p.Compressed, pushCompressed)
}

// Parse implements Frame. It allocates nothing if p.Headers has room for the
// headers: use a Push again.
func (p *Push) Parse(b []byte) error {
	r := readFrame(TypePush, b)
	*p = Push{Headers: p.Headers[:0]}
	if r.flags("kind", pushReliable) == pushReliable {
		p.Seq = r.positive("seq")
	}
	flags := r.flags("flags", pushFlags)
	p.ID = r.plain("id", 1, MessageIDBytesMax)
	if flags&pushName != 0 {
		p.Name = r.plain("name", 1, NameBytesMax)
	}
	if flags&pushFromUser != 0 {
		p.FromUser = r.plain("from_user", 1, IDBytesMax)
	}
	if flags&pushFromGroup != 0 {
		p.FromGroup = r.plain("from_group", 1, IDBytesMax)
	}
	if flags&pushPosition != 0 {
		p.Position = r.positive("position")
	}
	if flags&pushHeaders != 0 {
		p.Headers = r.headers(p.Headers)
	}
	p.Compressed = flags&pushCompressed != 0
	p.Payload = r.rest()
	return r.end()
}
