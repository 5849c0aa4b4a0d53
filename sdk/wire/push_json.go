package wire

// AppendJSON implements Frame.
func (p *Push) AppendJSON(dst []byte) []byte {
	return AppendPushBodyJSON(AppendPushHeadJSON(dst, p.Seq), p)
}

// AppendPushHeadJSON appends `{"type":"push","seq":N`, for a fast message, seq
// 0, without the seq. The body continues it.
func AppendPushHeadJSON(dst []byte, seq uint64) []byte {
	return appendJSONCounter(appendJSONType(dst, TypePush), "seq", seq)
}

// AppendPushBodyJSON appends the rest of the frame, from the comma before "id"
// to the closing brace. It is the same for all receivers.
func AppendPushBodyJSON(dst []byte, p *Push) []byte {
	dst = appendJSONText(dst, "id", p.ID)
	dst = appendJSONText(dst, "name", p.Name)
	dst = appendJSONText(dst, "from_user", p.FromUser)
	dst = appendJSONText(dst, "from_group", p.FromGroup)
	dst = appendJSONCounter(dst, "position", p.Position)
	dst = appendJSONHeaders(dst, p.Headers)
	dst = appendJSONFlag(dst, "compressed", p.Compressed)
	dst = appendJSONBytes(dst, "payload", p.Payload)
	return append(dst, '}')
}

var pushFields = []string{"type", "seq", "id", "name", "from_user", "from_group", "position", "headers", "compressed",
	"payload", "payload_base64"}

// ParseJSON implements Frame.
func (p *Push) ParseJSON(b []byte) error {
	*p = Push{Headers: p.Headers[:0]}
	r := readJSON(TypePush, b)
	fields := jsonFields{names: pushFields}
	for r.field(&fields) {
		switch fields.name {
		case "seq":
			p.Seq = r.counter("seq", CounterMax)
		case "id":
			p.ID = r.plain("id", MessageIDBytesMax)
		case "name":
			p.Name = r.plain("name", NameBytesMax)
		case "from_user":
			p.FromUser = r.plain("from_user", IDBytesMax)
		case "from_group":
			p.FromGroup = r.plain("from_group", IDBytesMax)
		case "position":
			p.Position = r.counter("position", CounterMax)
		case "headers":
			p.Headers = r.headers(p.Headers)
		case "compressed":
			p.Compressed = r.boolean("compressed")
		case "payload":
			p.Payload = r.text("payload", len(b))
		case "payload_base64":
			p.Payload = r.base64("payload_base64", len(b))
		}
	}
	r.require(len(p.ID) > 0, "id")
	r.exclusive(&fields, "payload", "payload_base64")
	return r.end()
}
