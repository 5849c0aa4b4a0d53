package wire

import "encoding/binary"

// ending is what REJECT and CLOSE have in common: all of it but the type.
type ending struct {
	Code      Code
	Text      string
	Reconnect Reconnect
}

const codeMax = 1<<16 - 1

func appendEnding(dst []byte, e *ending) []byte {
	dst = binary.AppendUvarint(dst, uint64(e.Code))
	dst = appendBytes(dst, clipText(e.Text))
	dst = append(dst, byte(e.Reconnect.Rule))
	switch e.Reconnect.Rule {
	case ReconnectAfter:
		dst = binary.AppendUvarint(dst, e.Reconnect.AfterMS)
	case ReconnectElsewhere:
		dst = appendBytes(dst, e.Reconnect.Address)
	}
	return dst
}

func parseEnding(t Type, b []byte, e *ending) error {
	r := readFrame(t, b)
	*e = ending{Code: Code(r.counter("code", codeMax))}
	if e.Code == 0 {
		r.fail("code", 1, "0")
	}
	e.Text = string(r.text("text", 0, TextBytesMax))
	offset := r.pos
	e.Reconnect.Rule = ReconnectRule(r.byte("reconnect"))
	switch e.Reconnect.Rule {
	case ReconnectYes, ReconnectNo:
	case ReconnectAfter:
		e.Reconnect.AfterMS = r.counter("after_ms", QuantityMax)
	case ReconnectElsewhere:
		e.Reconnect.Address = string(r.plain("address", 0, AddressBytesMax))
	default:
		r.fail("reconnect", offset, "unknown rule")
	}
	return r.end()
}

func appendJSONEnding(dst []byte, e *ending) []byte {
	dst = appendJSONCounter(dst, "code", uint64(e.Code))
	dst = appendJSONText(dst, "text", clipText(e.Text))
	dst = appendJSONText(dst, "reconnect", e.Reconnect.Rule.String())
	switch e.Reconnect.Rule {
	case ReconnectAfter:
		dst = appendJSONCounter(dst, "after_ms", e.Reconnect.AfterMS)
	case ReconnectElsewhere:
		dst = appendJSONText(dst, "address", e.Reconnect.Address)
	}
	return append(dst, '}')
}

var endingFields = []string{"type", "code", "text", "reconnect", "after_ms", "address"}

func parseJSONEnding(t Type, b []byte, e *ending) error {
	*e = ending{}
	r := readJSON(t, b)
	fields := jsonFields{names: endingFields}
	for r.field(&fields) {
		switch fields.name {
		case "code":
			e.Code = Code(r.counter("code", codeMax))
		case "text":
			e.Text = string(r.text("text", TextBytesMax))
		case "reconnect":
			e.Reconnect.Rule = r.reconnectRule()
		case "after_ms":
			e.Reconnect.AfterMS = r.counter("after_ms", QuantityMax)
		case "address":
			e.Reconnect.Address = string(r.plain("address", AddressBytesMax))
		}
	}
	r.require(e.Code != 0, "code")
	r.require(fields.has("reconnect"), "reconnect")
	if e.Reconnect.AfterMS > 0 && e.Reconnect.Rule != ReconnectAfter {
		r.fail("after_ms", r.pos, "the rule is not after")
	}
	if e.Reconnect.Address != "" && e.Reconnect.Rule != ReconnectElsewhere {
		r.fail("address", r.pos, "the rule is not elsewhere")
	}
	return r.end()
}

func (r *jsonReader) reconnectRule() ReconnectRule {
	r.space()
	offset := r.pos
	name := r.text("reconnect", NameBytesMax)
	for i, known := range reconnectNames {
		if known == string(name) {
			return ReconnectRule(i)
		}
	}
	r.fail("reconnect", offset, unknownName(string(name), reconnectNames))
	return 0
}
