package wire

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// The functions below append `,"name":value`, and nothing if the value is
// zero: in the JSON form what is 0, false or empty is left out.

func appendJSONText[T string | []byte](dst []byte, name string, v T) []byte {
	if len(v) == 0 {
		return dst
	}
	return appendQuoted(appendJSONName(dst, name), v)
}

func appendJSONCounter(dst []byte, name string, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return strconv.AppendUint(appendJSONName(dst, name), v, 10)
}

func appendJSONFlag(dst []byte, name string, v bool) []byte {
	if !v {
		return dst
	}
	return append(appendJSONName(dst, name), "true"...)
}

func appendJSONInstant(dst []byte, name string, ms uint64) []byte {
	if ms == 0 {
		return dst
	}
	dst = append(appendJSONName(dst, name), '"')
	dst = time.UnixMilli(int64(ms)).UTC().AppendFormat(dst, "2006-01-02T15:04:05.999Z07:00")
	return append(dst, '"')
}

func appendJSONList(dst []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(appendJSONName(dst, name), '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, v)
	}
	return append(dst, ']')
}

func appendJSONBase64(dst []byte, name string, v []byte) []byte {
	if len(v) == 0 {
		return dst
	}
	dst = append(appendJSONName(dst, name), '"')
	dst = base64.StdEncoding.AppendEncode(dst, v)
	return append(dst, '"')
}

// appendJSONBytes appends v as a text if it is one, else as base64 under
// name_base64.
func appendJSONBytes(dst []byte, name string, v []byte) []byte {
	if utf8.Valid(v) {
		return appendJSONText(dst, name, v)
	}
	return appendJSONBase64(dst, name+"_base64", v)
}

func appendJSONName(dst []byte, name string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

// appendJSONType begins a frame.
func appendJSONType(dst []byte, t Type) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, typeNames[t]...)
	return append(dst, '"')
}
