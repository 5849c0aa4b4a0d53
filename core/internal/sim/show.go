package sim

import (
	"fmt"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
)

var opNames = [...]string{
	"", "put", "remove", "remove message", "page", "put device", "forget device", "put member", "remove member", "dissolve", "erase", "touch", "end session",
	"owe", "told", "find", "remember", "append", "replay",
}

func showOp(op *store.Op) string {
	s := fmt.Sprintf("#%d.%d %s %s", op.Loop, op.Token, opNames[op.Kind], op.User)
	if op.Message != nil {
		s += " " + op.Message.ID
	}
	if op.Order != 0 {
		s += fmt.Sprintf(" at %d", op.Order%1e9)
	}
	for _, r := range op.Receivers {
		s += fmt.Sprintf(" for %q", r.Device)
	}
	if op.Device != "" {
		s += fmt.Sprintf(" device %q", op.Device)
	}
	return s + op.ID + op.Group
}

func showInput(in envelope.Input) string {
	switch in := in.(type) {
	case *envelope.Deliver:
		return fmt.Sprintf("deliver %s (record %d)", in.Message.ID, in.Message.Record)
	case *envelope.Control:
		return fmt.Sprintf("control %d %v %s%s", in.Op, in.To, in.Group, in.ID)
	case *envelope.GroupConfirmed:
		return "confirmed " + in.Group
	case *shard.StoreAnswers:
		s := "answers"
		for i := range in.Answers {
			s += " " + showAnswer(&in.Answers[i])
		}
		return s
	case *shard.FromPeer:
		return fmt.Sprintf("%T from loop %d", in.Message, in.From)
	case *shard.AuthResult:
		return fmt.Sprintf("auth of %d/%d: %d %s/%s", in.Plugin, in.Conn, in.Code, in.User, in.Device)
	case *shard.Query:
		return fmt.Sprintf("query %d of %s", in.Kind, in.User)
	}
	return fmt.Sprintf("%T", in)
}

func showAnswer(a *store.Answer) string {
	s := fmt.Sprintf("#%d", a.Token)
	if a.Err != nil {
		return s + " failed"
	}
	for _, e := range a.Entries {
		s += fmt.Sprintf(" %s for %q", e.Message.ID, e.Receiver.Device)
	}
	for _, p := range a.Removed {
		s += fmt.Sprintf(" removed %s of %s for %q (%v %v)", p.Message.ID, p.User, p.Receiver.Device, p.Fate, p.Reason)
	}
	if a.More {
		s += " more"
	}
	return s
}

func showReport(r *envelope.Report) string {
	return fmt.Sprintf("%d record %d pairs %d group %s joins %d", r.Kind, r.Record, r.Pairs, r.Group, r.Joins)
}
