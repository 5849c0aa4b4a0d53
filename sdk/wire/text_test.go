package wire

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextsThatNoFrameCarriesAreCut(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"short", "short"},
		{strings.Repeat("a", TextBytesMax), strings.Repeat("a", TextBytesMax)},
		{strings.Repeat("a", TextBytesMax+1), strings.Repeat("a", TextBytesMax)},
		{"x" + strings.Repeat("é", TextBytesMax), "x" + strings.Repeat("é", TextBytesMax/2-1)},
		{strings.Repeat("😀", TextBytesMax), strings.Repeat("😀", TextBytesMax/4)},
		{"a\xffb", "a\uFFFDb"},
		{strings.Repeat("\xff.", TextBytesMax), strings.Repeat("\uFFFD.", TextBytesMax/4)},
	}
	for _, test := range tests {
		got := clipText(test.text)
		if got != test.want || !utf8.ValidString(got) {
			t.Errorf("%.20q: got %d bytes %.20q", test.text, len(got), got)
		}
	}
}

func TestFramesWithTextsOfAnyKindAreReadByTheirReceiver(t *testing.T) {
	text := strings.Repeat("\xffé", TextBytesMax)
	for _, frame := range []Frame{
		&Reject{Code: 4012, Text: text}, &Close{Code: 4012, Text: text}, &Nack{Seq: 1, Text: text},
		&Sent{ID: "a", Code: 4012, Text: text}, &Joined{Group: "g", Code: 4012, Text: text}, &Refreshed{Code: 4012, Text: text},
	} {
		if err := New(frame.Type()).Parse(frame.Append(nil)); err != nil {
			t.Error(err)
		}
		if err := New(frame.Type()).ParseJSON(frame.AppendJSON(nil)); err != nil {
			t.Error(err)
		}
	}
}
