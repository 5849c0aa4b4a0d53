package admit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk/nearest"
)

// Keys of a line besides the options.
const (
	keyPayload       = "payload"
	keyPayloadBase64 = "payload_base64"
)

var lineKeys = append(shortNames(), keyPayload, keyPayloadBase64)

func shortNames() (names []string) {
	for o := range numOptions {
		names = append(names, o.field(true))
	}
	return names
}

// readLine takes a JSON line's keys and returns its payload. An option that stood
// in a header already wins over its key: so a dead letter is replayed with other
// receivers or another id although its line names the old ones.
//
// The result lies within line where it can, unless the policy forbids it.
func (o *options) readLine(p *Policy, line []byte) ([]byte, *Error) {
	// Text may be encoded in up to six bytes for each byte.
	if longest := 6*p.PayloadMax + lineOverhead; len(line) > longest {
		return nil, &Error{Reason: envelope.TooLarge, Detail: fmt.Sprintf("the line has %d bytes, at most %d are allowed", len(line), longest)}
	}
	if err := checkLine(line); err != nil {
		return nil, err
	}
	fromHeaders := o.set
	var payload []byte
	var payloadKey string
	s := scan(line)
	for s.nextKey() {
		key, err := unquote(s.key)
		if err != nil {
			return nil, badRecord("", err.Error())
		}
		name := string(key)
		if name == keyPayload || name == keyPayloadBase64 {
			if payloadKey != "" {
				return nil, badRecord(name, "is a second payload beside "+payloadKey)
			}
			payloadKey = name
			var failed *Error
			if payload, failed = payloadOf(name, s.value); failed != nil {
				return nil, failed
			}
			continue
		}
		opt, known := optionNamed(name)
		if !known {
			return nil, unknownKey(name)
		}
		if fromHeaders&(1<<opt) == 0 {
			if err := o.addValue(opt, s.value); err != nil {
				return nil, err
			}
		}
	}
	if p.Shared {
		payload = bytes.Clone(payload)
	}
	return payload, nil
}

const lineOverhead = 4 << 20 // for the options: ten thousand addresses of the longest kind

// checkLine sees to it that the line is one JSON object in UTF-8.
func checkLine(line []byte) *Error {
	switch {
	case !utf8.Valid(line):
		return badRecord("", "the line is not UTF-8")
	case !json.Valid(line):
		var syntax *json.SyntaxError
		var skipped json.RawMessage
		if errors.As(json.Unmarshal(line, &skipped), &syntax) {
			return badRecord("", fmt.Sprintf("the line is not JSON: byte %d: %s", syntax.Offset, syntax))
		}
		return badRecord("", "the line is not JSON")
	case bytes.TrimLeft(line, " \t\r\n")[0] != '{':
		return badRecord("", "the line is not a JSON object")
	}
	return nil
}

func unknownKey(name string) *Error {
	const shown = 64
	if len(name) > shown {
		name = name[:shown]
	}
	return &Error{Reason: envelope.BadRecord, Field: strings.ToValidUTF8(name, ""), Detail: "is not a key of a line", Nearest: nearest.Name(name, lineKeys)}
}

// addValue takes an option's JSON value: a string, an array of strings for lists,
// the number 0 for ttl; null is as if it were not there.
func (o *options) addValue(opt option, value []byte) *Error {
	switch {
	case value[0] == '"':
		text, err := unquote(value)
		if err != nil {
			return badRecord(opt.field(true), err.Error())
		}
		return o.add(opt, text, opt.field(true))
	case value[0] == 'n':
		return nil
	case value[0] == '[' && opt <= optPlatform:
		s := scan(value)
		for s.nextItem() {
			if s.value[0] != '"' {
				return badRecord(opt.field(true), "is an array of something else than strings")
			}
			if err := o.addValue(opt, s.value); err != nil {
				return err
			}
		}
		o.set |= 1 << opt
		return nil
	case opt == optTTL && (value[0] == '-' || '0' <= value[0] && value[0] <= '9'):
		return o.add(opt, value, opt.field(true))
	}
	return badRecord(opt.field(true), "is not a string")
}

// payloadOf reads the payload: a string's bytes, or the text of an object or array.
func payloadOf(key string, value []byte) ([]byte, *Error) {
	switch {
	case value[0] == 'n':
		return nil, nil
	case value[0] == '"':
		text, err := unquote(value)
		if err != nil {
			return nil, badRecord(key, err.Error())
		}
		if key == keyPayload {
			return text, nil
		}
		decoded := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		n, err := base64.StdEncoding.Decode(decoded, text)
		if err != nil {
			return nil, badRecord(key, "is not base64: "+err.Error())
		}
		return decoded[:n], nil
	case key == keyPayload && (value[0] == '{' || value[0] == '['):
		return value, nil
	case key == keyPayload:
		return nil, badRecord(key, "is not a string, an object or an array")
	}
	return nil, badRecord(key, "is not a string")
}

// unquote decodes a JSON string, in place where nothing is escaped.
func unquote(quoted []byte) ([]byte, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return nil, err
	}
	return []byte(text), nil
}
