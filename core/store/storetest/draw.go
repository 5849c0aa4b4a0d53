package storetest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk/wire"
)

// draw chooses one of n, from 0. The label is for who reads what was chosen.
type draw func(label string, n int) int

func (d draw) bool(label string) bool { return d(label, 2) == 1 }

func pick[T any](d draw, label string, some []T) T { return some[d(label, len(some))] }

// sessionKey is the receiver of a session without a device id.
const sessionKey = store.SessionPrefix + "s"

var (
	randomUsers   = []string{"u1", "u2"}
	randomDevices = []string{"x", "y", sessionKey}
	randomKinds   = []store.OpKind{store.Put, store.Put, store.Put, store.Put, store.Remove, store.RemoveMessage,
		store.Page, store.Page, store.ForgetDevice, store.EraseUser, store.Touch, store.PutDevice, store.EndSession}
)

// drawOp draws an operation of a user.
func drawOp(d draw) store.Op {
	op := store.Op{
		User:   pick(d, "user", randomUsers),
		Order:  uint64(1 + d("order", 12)),
		Device: pick(d, "device", randomDevices),
		Kind:   pick(d, "kind", randomKinds),
		Fate:   envelope.Withdrawn,
	}
	switch op.Kind {
	case store.Put:
		drawPut(d, &op)
	case store.EndSession:
		op.Device = sessionKey
	case store.Remove:
		op.Fate = pick(d, "fate", []envelope.Fate{envelope.Acked, envelope.Withdrawn})
		if d.bool("some") {
			op.Receivers = drawReceivers(d)
		}
	case store.RemoveMessage:
		op.Scope, op.ID = "orders", fmt.Sprint("m", op.Order)
		op.Except = pick(d, "except", []string{"", "x"})
	case store.Page:
		op.Order, op.Max = op.Order-1, 1+d("max", 4)
		op.Platform = pick(d, "platform", []string{"phone", "till"})
	case store.Touch:
		op.Until = begin.Add(time.Duration(1+d("until", 60)) * time.Minute)
	}
	return op
}

// drawPut draws a message whose nature follows from its order, as an order names
// one message.
func drawPut(d draw, op *store.Op) {
	op.Message = messageAt(op.Order)
	op.Receivers = drawReceivers(d)
	op.Again = d("again", 5) == 0
	op.Limit.Messages = pick(d, "limit", []int{0, 0, 5})
	if d.bool("waits") {
		op.Until = begin.Add(time.Duration(1+d("until", 60)) * time.Minute)
	}
}

// messageAt is the message of an order, always the same one.
func messageAt(order uint64) *envelope.Message { return randomMessages[order] }

var randomMessages = makeMessages(64)

func makeMessages(n uint64) (all []*envelope.Message) {
	for order := range n {
		all = append(all, makeMessage(order))
	}
	return all
}

func makeMessage(order uint64) *envelope.Message {
	return message(fmt.Sprint("m", order), func(m *envelope.Message) {
		if order%3 == 0 {
			m.Collapse = "key"
		}
		if order%4 == 0 {
			m.Platforms = []string{"phone"}
		}
		if order%5 == 0 {
			m.To = append(m.To, wire.Address{Kind: wire.Group, ID: "g"})
		}
		m.Payload = bytes.Repeat(m.Payload, int(8*(order*order%37)))   //nolint:gosec // Small.
		m.Receipt = envelope.ReceiptMode(order % 3)                    //nolint:gosec // Below 3.
		m.ExpiresAt = begin.Add(time.Duration(10*order) * time.Minute) //nolint:gosec // Small.
	})
}

func drawReceivers(d draw) (some []store.Receiver) {
	for _, device := range []string{"x", "y", sessionKey, ""} {
		if d.bool("receiver " + device) {
			some = append(some, store.Receiver{Device: device, Attempts: max(0, d("attempts", 6)-3), Here: d("here", 4) == 0})
		}
	}
	if some == nil {
		some = []store.Receiver{{Device: "x"}}
	}
	return some
}
