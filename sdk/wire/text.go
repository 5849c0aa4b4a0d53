package wire

import (
	"strings"
	"unicode/utf8"
)

// clipText makes s a text that a frame can carry. Texts for people come from
// errors and from other systems: one that is too long or not UTF-8 must not
// make the device refuse the frame, whose code matters more.
func clipText(s string) string {
	if len(s) <= TextBytesMax && utf8.ValidString(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	end := min(len(s), TextBytesMax)
	for end < len(s) && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
