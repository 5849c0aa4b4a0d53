package admit

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// From says where a record came from.
type From struct {
	Source string
	Stable bool // positions name the same record for ever, see sdk.Source
}

// Parsed is a record as Parse understood it: a Message, a Control or an Err.
type Parsed struct {
	Message *envelope.Message
	Control *envelope.Control
	Err     *Error

	ID          string // as far as it is known: push-id, position or the broker's; else empty
	Positional  bool   // ID was made of the stable position: only a redelivery brings it again
	Fingerprint uint64 // of what must not change under one id
	Record      *sdk.Record
}

// Parse reads a record. It is pure: any goroutine may call it. The message takes
// over the record's slices (see Policy.Shared for the exception), and Parsed
// refers to rec, so rec must not change afterwards. now is the wall clock.
func Parse(p *Policy, from From, rec *sdk.Record, now time.Time) Parsed {
	parsed := Parsed{Record: rec}
	var o options
	o.json = p.JSON
	err := o.readHeaders(rec.Headers)
	payload := rec.Body
	if err == nil && p.JSON {
		payload, err = o.readLine(p, rec.Body)
	}
	if id := o.values[optID]; id != nil {
		parsed.ID = string(id)
	}
	if err == nil && len(payload) > p.PayloadMax {
		err = tooLarge(len(payload), p.PayloadMax)
	}
	switch {
	case err != nil:
	case o.has(optOp):
		parsed.Control, err = o.control(p, rec)
	default:
		parsed.Message, err = o.message(p, rec, now)
	}
	if err != nil {
		parsed.Message, parsed.Control, parsed.Err = nil, nil, err
		return parsed
	}
	if m := parsed.Message; m != nil {
		m.Payload = payload
		m.Origin = envelope.Origin{Plugin: p.Plugin, Source: from.Source, Position: rec.Position}
		if parsed.ID == "" {
			parsed.ID = idOf(from, rec)
			parsed.Positional = from.Stable
		}
		m.ID = parsed.ID
		parsed.Fingerprint = fingerprint(m)
	}
	return parsed
}

// message makes a publish of the options; the payload is still to be set.
func (o *options) message(p *Policy, rec *sdk.Record, now time.Time) (*envelope.Message, *Error) {
	if !p.Push {
		return nil, badRecord("", "this input takes no messages; its allow has no push")
	}
	m := &envelope.Message{Scope: p.Plugin, StoreAfter: p.StoreAfter, Key: rec.Key, Headers: rec.Headers}
	if p.JSON && p.DeadLetter {
		m.Original = rec.Body
	}
	if o.has(optGroup) {
		return nil, badRecord(optGroup.field(o.json), "has a meaning only together with "+optOp.field(o.json))
	}
	if err := o.receivers(p, rec.Key); err != nil {
		return nil, err
	}
	if o.has(optPlatform) && len(o.platforms) == 0 {
		return nil, badRecord(optPlatform.field(o.json), "names no platform; leave it out to mean all")
	}
	m.To, m.Except, m.Platforms = wire.Distinct(o.to), wire.Distinct(o.except), o.platforms
	if err := o.texts(m); err != nil {
		return nil, err
	}
	if err := o.modes(m, p); err != nil {
		return nil, err
	}
	return m, o.lifetime(m, p, rec.Timestamp, now)
}

// receivers sees to it that there are some.
func (o *options) receivers(p *Policy, key []byte) *Error {
	switch {
	case len(o.to) > 0:
		return nil
	case o.has(optTo):
		return badRecord(optTo.field(o.json), "names nobody")
	case p.DefaultTo == nil:
		return badRecord(optTo.field(o.json), "is missing, and the input has no default_to")
	}
	to, err := p.defaultTo(key)
	o.to = to
	return err
}

func (o *options) texts(m *envelope.Message) *Error {
	if err := o.checkText(optID, wire.MessageIDBytesMax); err != nil {
		return err
	}
	if err := o.checkText(optName, wire.NameBytesMax); err != nil {
		return err
	}
	if err := o.checkText(optCollapse, collapseBytesMax); err != nil {
		return err
	}
	m.Name, m.Collapse = string(o.values[optName]), string(o.values[optCollapse])
	return nil
}

func (o *options) modes(m *envelope.Message, p *Policy) *Error {
	switch value := o.values[optClass]; {
	case !o.has(optClass) || string(value) == "reliable":
		m.Class = sdk.Reliable
	case string(value) == "fast":
		m.Class = sdk.Fast
	default:
		return o.noChoice(optClass, "reliable", "fast")
	}
	switch value := o.values[optAck]; {
	case !o.has(optAck) || string(value) == "each":
		m.Ack = envelope.AckEach
	case string(value) == "any":
		m.Ack = envelope.AckAny
	default:
		return o.noChoice(optAck, "each", "any")
	}
	switch value := o.values[optReceipt]; {
	case !o.has(optReceipt) || string(value) == "none":
		m.Receipt = envelope.ReceiptNone
	case string(value) == "final":
		m.Receipt = envelope.ReceiptFinal
	case string(value) == "all":
		m.Receipt = envelope.ReceiptAll
	default:
		return o.noChoice(optReceipt, "none", "final", "all")
	}
	if m.Receipt != envelope.ReceiptNone && !p.Receipt {
		return badRecord(optReceipt.field(o.json), "asks for receipts, but routes.receipt has no target for this input")
	}
	return nil
}

// lifetime sets the instant of expiry. It counts from the broker's timestamp; one
// that lies in the future counts as now, lest a wrong clock keep messages for ever.
func (o *options) lifetime(m *envelope.Message, p *Policy, stamped, now time.Time) *Error {
	ttl := p.TTL
	if o.has(optTTL) {
		d, err := parseTTL(o.values[optTTL])
		if err != nil {
			return badRecord(optTTL.field(o.json), err.Error())
		}
		if m.SessionsOnly = d == 0; !m.SessionsOnly {
			ttl = d
		}
	}
	if stamped.IsZero() || stamped.After(now) {
		stamped = now
	}
	m.AcceptedAt, m.ExpiresAt = now, stamped.Add(ttl)
	return nil
}
