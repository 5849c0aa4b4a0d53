package shard

import (
	"encoding/json"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

// Fate says how a message ended for a receiver, and holds nothing of the shard's:
// it may be kept and used anywhere.
type Fate struct {
	ID           string
	Origin       envelope.Origin
	User, Device string // no device: a session without an id, or whoever comes first
	Fate         envelope.Fate
	Reason       envelope.Reason
	Attempts     int
	AcceptedAt   time.Time
	At           time.Time
}

// Body is the fate as it is published: a receipt's body, whose event is the fate.
func (f *Fate) Body() []byte { return f.body(f.Fate.String()) }

func (f *Fate) body(event string) []byte {
	body, _ := json.Marshal(receiptBody{ // It is plain data: it cannot fail.
		Event: event, ID: f.ID, To: receiverAddress(f.User, f.Device), User: f.User, Device: f.Device, Reason: f.Reason.String(),
		Attempts: f.Attempts, AcceptedAt: f.AcceptedAt.UTC(), At: f.At.UTC(), Source: sourceOf(f.Origin),
	})
	return body
}
