package wire

import "unicode/utf8"

// ValidMessageID tells whether id can be the id of a PUSH or SEND: 1 to
// MessageIDBytesMax bytes of UTF-8 without control characters.
func ValidMessageID(id string) bool { return id != "" && validPlain(id, MessageIDBytesMax) }

// ValidName tells whether name can be the name of a message: none, or up to
// NameBytesMax bytes of UTF-8 without control characters.
func ValidName(name string) bool { return validPlain(name, NameBytesMax) }

// ValidHeader tells whether a frame can carry the header. All of a frame's
// headers together are bounded by HeadersMax and HeaderBytesMax besides.
func ValidHeader(name string, value []byte) bool {
	return name != "" && validPlain(name, HeaderNameBytesMax) && len(value) <= HeaderValueBytesMax
}

func validPlain(s string, bytesMax int) bool {
	return len(s) <= bytesMax && utf8.ValidString(s) && !hasControl(s)
}
