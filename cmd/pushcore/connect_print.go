package main

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

// printedMessage is one line of `connect --json`.
type printedMessage struct {
	ID            string  `json:"id"`
	Seq           uint64  `json:"seq,omitempty"`
	Class         string  `json:"class"`
	Name          string  `json:"name,omitempty"`
	From          string  `json:"from,omitempty"`
	Position      uint64  `json:"position,omitempty"` // in the group's history
	Payload       *string `json:"payload,omitempty"`
	PayloadBase64 string  `json:"payload_base64,omitempty"`
}

// messagePrinter returns how messages are printed: a line of text or of JSON.
func messagePrinter(cmd *cobra.Command) func(client.Message) error {
	out := cmd.OutOrStdout()
	if asJSON(cmd) {
		return func(m client.Message) error { return printJSON(out, printable(m)) }
	}
	return func(m client.Message) error {
		_, err := fmt.Fprintln(out, messageLine(m, time.Now()))
		return err
	}
}

func printable(m client.Message) printedMessage {
	p := printedMessage{ID: m.ID, Seq: m.Seq, Class: "fast", Name: m.Name, From: fromOf(m), Position: m.Position}
	if m.Reliable() {
		p.Class = "reliable"
	}
	if utf8.Valid(m.Payload) {
		text := string(m.Payload)
		p.Payload = &text
	} else {
		p.PayloadBase64 = base64.StdEncoding.EncodeToString(m.Payload)
	}
	return p
}

// fromOf is the address that the message was pushed to, as far as it says.
func fromOf(m client.Message) string {
	switch {
	case m.FromUser != "":
		return wire.Address{Kind: wire.User, ID: m.FromUser}.String()
	case m.FromGroup != "":
		return wire.Address{Kind: wire.Group, ID: m.FromGroup}.String()
	default:
		return ""
	}
}

// messageLine is `time from name payload`, - for what there is not.
func messageLine(m client.Message, now time.Time) string {
	payload := "base64:" + base64.StdEncoding.EncodeToString(m.Payload)
	if utf8.Valid(m.Payload) {
		payload = escapeControls(string(m.Payload))
	}
	return strings.Join([]string{now.Format("15:04:05.000"), orDash(fromOf(m)), orDash(m.Name), payload}, " ")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// escapeControls keeps what others wrote from commanding the terminal, and on
// one line.
func escapeControls(s string) string {
	if strings.IndexFunc(s, isControl) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isControl(r) {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isControl(r rune) bool {
	return r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}
