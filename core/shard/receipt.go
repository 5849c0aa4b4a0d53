package shard

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// settlement holds a part back until all that was to be told of a pair has been
// accepted by the broker.
type settlement struct {
	part *session.Part
	left int
}

// notice is a receipt or dead letter on its way to the broker. One that is not
// taken is published again after a while.
type notice struct {
	what  Publish
	hold  *settlement // nil: nothing waits for it
	delay time.Duration
	due   time.Duration
}

// Delays before a notice is published again.
const (
	noticeDelayFirst = time.Second
	noticeDelayMost  = 30 * time.Second
)

// tell publishes a notice.
func (s *Shard) tell(p Publish, hold *settlement) { s.publishNotice(&notice{what: p, hold: hold}) }

func (s *Shard) publishNotice(n *notice) {
	n.what.Loop, n.what.Token = s.cfg.ID, s.nextToken()
	s.told[n.what.Token] = n
	s.effects.Publish = append(s.effects.Publish, n.what)
}

// published takes the result of a publish.
func (s *Shard) published(r *PublishResult) {
	if n := s.told[r.Token]; n != nil {
		delete(s.told, r.Token)
		s.noticed(n, r)
		return
	}
	s.uplinked(r)
}

func (s *Shard) noticed(n *notice, r *PublishResult) {
	if r.Err != "" && r.Retryable {
		n.delay = min(max(2*n.delay, noticeDelayFirst), noticeDelayMost)
		n.due = s.now.Mono + n.delay
		s.untold = append(s.untold, n)
		s.chore(n.due)
		return
	}
	if r.Err != "" {
		s.stats.NoticesLost++
	}
	if h := n.hold; h != nil {
		if h.left--; h.left == 0 {
			s.safe(h.part, envelope.HowEnded)
		}
	}
}

// retryNotices publishes again what the broker did not take some time ago.
func (s *Shard) retryNotices() {
	untold := s.untold
	s.untold = nil
	for _, n := range untold {
		if n.due > s.now.Mono {
			s.untold = append(s.untold, n)
			s.chore(n.due)
			continue
		}
		s.publishNotice(n)
	}
}

// storedReceipts tells that nobody has taken a message so far.
func (s *Shard) storedReceipts(j *job) {
	if j.part.Message.Receipt != envelope.ReceiptAll {
		return
	}
	for _, r := range j.op.Receivers {
		s.tell(s.receipt(j.part.Message, "stored", j.user.ID, deviceOf(r.Device), envelope.NoReason, r.Attempts), nil)
	}
}

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
	body, _ := json.Marshal(receiptBody{ // It is plain data: it cannot fail.
		Event: event, ID: m.ID, To: receiverAddress(user, device), User: user, Device: device, Reason: r.String(), Attempts: attempts,
		AcceptedAt: m.AcceptedAt.UTC(), At: s.now.Wall.UTC(), Source: sourceOf(m.Origin),
	})
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
