package wire

// Send brings a message of the device to the backend. It is answered by a SENT
// with its id; what was not answered is sent again, under the same id.
//
//	type 9 | flags | id | [name] | [headers] | payload
//
// flags: 1 name, 2 headers; a field whose flag is not set is absent, one whose
// flag is set is not empty. The payload is the rest of the frame.
type Send struct {
	ID      []byte // The device's own, 1 to MessageIDBytesMax bytes.
	Name    []byte // What kind of message; at most NameBytesMax bytes.
	Headers []Header
	Payload []byte
}

const (
	sendName    = 1
	sendHeaders = 2
)

// Type returns TypeSend.
func (*Send) Type() Type { return TypeSend }

// Append implements Frame.
func (s *Send) Append(dst []byte) []byte {
	dst = append(dst, byte(TypeSend), flagBit(len(s.Name) > 0, sendName)|flagBit(len(s.Headers) > 0, sendHeaders))
	dst = appendBytes(dst, s.ID)
	if len(s.Name) > 0 {
		dst = appendBytes(dst, s.Name)
	}
	if len(s.Headers) > 0 {
		dst = appendHeaders(dst, s.Headers)
	}
	return append(dst, s.Payload...)
}

// Parse implements Frame. It allocates nothing if s.Headers has room for the
// headers: use a Send again.
func (s *Send) Parse(b []byte) error {
	r := readFrame(TypeSend, b)
	*s = Send{Headers: s.Headers[:0]}
	flags := r.flags("flags", sendName|sendHeaders)
	s.ID = r.plain("id", 1, MessageIDBytesMax)
	if flags&sendName != 0 {
		s.Name = r.plain("name", 1, NameBytesMax)
	}
	if flags&sendHeaders != 0 {
		s.Headers = r.headers(s.Headers)
	}
	s.Payload = r.rest()
	return r.end()
}

// AppendJSON implements Frame.
func (s *Send) AppendJSON(dst []byte) []byte {
	dst = appendJSONText(appendJSONType(dst, TypeSend), "id", s.ID)
	dst = appendJSONText(dst, "name", s.Name)
	dst = appendJSONHeaders(dst, s.Headers)
	dst = appendJSONBytes(dst, "payload", s.Payload)
	return append(dst, '}')
}

var sendFields = []string{"type", "id", "name", "headers", "payload", "payload_base64"}

// ParseJSON implements Frame.
func (s *Send) ParseJSON(b []byte) error {
	*s = Send{Headers: s.Headers[:0]}
	r := readJSON(TypeSend, b)
	fields := jsonFields{names: sendFields}
	for r.field(&fields) {
		switch fields.name {
		case "id":
			s.ID = r.plain("id", MessageIDBytesMax)
		case "name":
			s.Name = r.plain("name", NameBytesMax)
		case "headers":
			s.Headers = r.headers(s.Headers)
		case "payload":
			s.Payload = r.text("payload", len(b))
		case "payload_base64":
			s.Payload = r.base64("payload_base64", len(b))
		}
	}
	r.require(len(s.ID) > 0, "id")
	r.exclusive(&fields, "payload", "payload_base64")
	return r.end()
}
