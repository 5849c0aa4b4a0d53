package shard

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// receiptBody is a receipt as surface of the product; see docs/guarantees.md.
type receiptBody struct {
	Event      string        `json:"event"`
	ID         string        `json:"id"`
	To         string        `json:"to"`
	User       string        `json:"user"`
	Device     string        `json:"device,omitempty"`
	Reason     string        `json:"reason,omitempty"`
	Attempts   int           `json:"attempts"`
	AcceptedAt time.Time     `json:"accepted_at"`
	At         time.Time     `json:"at"`
	Source     receiptSource `json:"source"`
}

type receiptSource struct {
	Plugin    string `json:"plugin"`
	Topic     string `json:"topic,omitempty"`
	Partition *int   `json:"partition,omitempty"`
	Offset    uint64 `json:"offset"`
}

func (s *Shard) receipt(m *envelope.Message, event, user, device string, r envelope.Reason, attempts int) Publish {
	return s.receiptAt(m, event, user, device, r, attempts, s.now.Wall)
}

// receiptAt is a receipt of what happened at an instant.
func (s *Shard) receiptAt(m *envelope.Message, event, user, device string, r envelope.Reason, attempts int, at time.Time) Publish {
	f := Fate{ID: m.ID, Origin: m.Origin, User: user, Device: device, Reason: r, Attempts: attempts, AcceptedAt: m.AcceptedAt, At: at}
	body := f.body(event)
	return Publish{Output: sdk.OutputReceipt, Origin: m.Origin.Plugin, Key: []byte(user), Body: body}
}

// sourceOf splits a source's name into topic and partition where it has one.
func sourceOf(o envelope.Origin) receiptSource {
	src := receiptSource{Plugin: o.Plugin, Topic: o.Source, Offset: o.Position}
	if i := strings.LastIndexByte(o.Source, '/'); i >= 0 {
		if n, err := strconv.Atoi(o.Source[i+1:]); err == nil {
			src.Topic, src.Partition = o.Source[:i], &n
		}
	}
	return src
}

func receiverAddress(user, device string) string {
	if device == "" {
		return wire.Address{Kind: wire.User, ID: user}.String()
	}
	return wire.Address{Kind: wire.Device, ID: user, Device: device}.String()
}

// deadPrefix begins the headers that a dead letter has besides the record's own.
const deadPrefix = "push-dead-"

// deadLetter is the record again, with what became of one receiver.
func (s *Shard) deadLetter(m *envelope.Message, user, device string, r envelope.Reason) Publish {
	headers := slices.Clone(m.Headers)
	for _, h := range [][2]string{
		{"reason", r.String()},
		{"detail", deathDetail[r]},
		{"source", m.Origin.Plugin + "/" + m.Origin.Source + "/" + strconv.FormatUint(m.Origin.Position, 10)},
		{"at", s.now.Wall.UTC().Format(time.RFC3339)},
		{"to", receiverAddress(user, device)},
	} {
		headers = append(headers, sdk.Header{Name: deadPrefix + h[0], Value: []byte(h[1])})
	}
	return Publish{Output: sdk.OutputDeadLetter, Origin: m.Origin.Plugin, Key: m.Key, Headers: headers, Body: m.Body()}
}

var deathDetail = map[envelope.Reason]string{
	envelope.Refused:     "the device refused it for good",
	envelope.NoAck:       "no ack came in all attempts",
	envelope.MailboxFull: "the user's mailbox was full and this was the oldest in it",
}
