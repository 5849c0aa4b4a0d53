package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pushcore/pushcore/sdk"
)

const (
	headerPrefix = "push-"
	deadPrefix   = "push-dead-"
)

// letter is a dead letter as people look at it.
type letter struct {
	sdk.Letter
	box     *letterBox
	name    string // lasting: the broker's, else from its content
	reason  string
	detail  string
	source  string // of the dead record: instance, source, position
	to      string // the one receiver; empty for the death of a record
	id      string // push-id, or the line's
	at      time.Time
	line    map[string]json.RawMessage // nil: no JSON line
	warning string
}

// readLetter reads the headers of a letter.
func readLetter(b *letterBox, from *sdk.Letter) *letter {
	l := &letter{Letter: *from, box: b, name: from.Place, warning: from.Warning}
	for _, h := range from.Record.Headers {
		value := string(h.Value)
		switch strings.ToLower(h.Name) {
		case deadPrefix + "reason":
			l.reason = value
		case deadPrefix + "detail":
			l.detail = value
		case deadPrefix + "source":
			l.source = value
		case deadPrefix + "to":
			l.to = value
		case deadPrefix + "at":
			l.at, _ = time.Parse(time.RFC3339, value) // Zero if somebody else wrote it.
		case headerPrefix + "id":
			l.id = value
		}
	}
	if l.at.IsZero() {
		l.at = from.Record.Timestamp
	}
	if l.name == "" {
		sum := l.digest("")
		l.name = hex.EncodeToString(sum[:6])
	}
	if l.isLine() && json.Unmarshal(from.Record.Body, &l.line) == nil && l.id == "" {
		_ = json.Unmarshal(l.line["id"], &l.id) // Left empty if it is no text.
	}
	return l
}

// origin is the instance that the dead record came from, "http" among them, and
// its source there.
func (l *letter) origin() (instance, source string) {
	instance, rest, _ := strings.Cut(l.source, "/")
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		return instance, rest[:i]
	}
	return instance, ""
}

// isLine says whether the dead record came from an input of format json.
func (l *letter) isLine() bool {
	instance, _ := l.origin()
	from := l.box.all[instance]
	return from != nil && from.input != nil && from.input.Format == "json"
}

// digest is over all that a letter is, where it stands, and salt.
func (l *letter) digest(salt string) [sha256.Size]byte {
	h := sha256.New()
	put := func(b []byte) {
		h.Write(binary.AppendUvarint(nil, uint64(len(b))))
		h.Write(b)
	}
	put([]byte(salt))
	put([]byte(l.Place))
	put(l.Record.Key)
	for _, header := range l.Record.Headers {
		put([]byte(header.Name))
		put(header.Value)
	}
	put(l.Record.Body)
	return [sha256.Size]byte(h.Sum(nil))
}

// letterFilter chooses letters; what is zero chooses all.
type letterFilter struct {
	reason string
	id     string // push-id, source or name
	since  time.Time
}

func (f *letterFilter) takes(l *letter) bool {
	return (f.reason == "" || f.reason == l.reason) &&
		(f.id == "" || f.id == l.id || f.id == l.source || f.id == l.name) &&
		!l.at.Before(f.since)
}

// letterRow is how a letter is printed.
type letterRow struct {
	Letter        string     `json:"letter"`
	Plugin        string     `json:"plugin"`
	Reason        string     `json:"reason"`
	Detail        string     `json:"detail,omitempty"`
	ID            string     `json:"id,omitempty"`
	To            string     `json:"to,omitempty"`
	Source        string     `json:"source"`
	At            string     `json:"at,omitempty"`
	Replayed      bool       `json:"replayed,omitempty"`
	Bytes         int        `json:"bytes"`
	Key           string     `json:"key,omitempty"`
	Headers       [][]string `json:"headers,omitempty"`
	Payload       *string    `json:"payload,omitempty"`
	PayloadBase64 *string    `json:"payload_base64,omitempty"`
}

// row is the letter in words; whole adds what it holds.
func (l *letter) row(whole bool) letterRow {
	r := letterRow{
		Letter: l.name, Plugin: l.box.name, Reason: l.reason, Detail: l.detail, ID: l.id, To: l.to, Source: l.source,
		Replayed: l.Taken, Bytes: len(l.Record.Body),
	}
	if !l.at.IsZero() {
		r.At = l.at.UTC().Format(time.RFC3339)
	}
	if !whole {
		return r
	}
	r.Key = string(l.Record.Key)
	for _, h := range l.Record.Headers {
		r.Headers = append(r.Headers, []string{h.Name, string(h.Value)})
	}
	text := string(l.Record.Body)
	if utf8.ValidString(text) {
		r.Payload = &text
	} else {
		text = base64.StdEncoding.EncodeToString(l.Record.Body)
		r.PayloadBase64 = &text
	}
	return r
}
