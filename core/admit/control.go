package admit

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/nearest"
	"github.com/pushcore/pushcore/sdk/wire"
)

var opNames = []string{
	envelope.OpJoin: "join", envelope.OpLeave: "leave", envelope.OpDissolve: "dissolve",
	envelope.OpKick: "kick", envelope.OpWithdraw: "withdraw",
}

// control makes an operation of the options. Options that an operation does not
// know are errors: a backend that sets them expects something of them. push-id is
// taken with all, though only withdraw reads it.
func (o *options) control(p *Policy, rec *sdk.Record) (*envelope.Control, *Error) {
	name := string(o.values[optOp])
	if !p.Control {
		return nil, badRecord(optOp.field(o.json), "is not allowed here; the input's allow has no control")
	}
	c := &envelope.Control{Scope: p.Plugin}
	for op := envelope.OpJoin; op <= envelope.OpWithdraw; op++ {
		if opNames[op] == name {
			c.Op = op
		}
	}
	var err *Error
	switch c.Op {
	case envelope.OpJoin, envelope.OpLeave:
		err = o.membership(c, p, rec.Key, name)
	case envelope.OpKick:
		err = o.kick(c, p, rec.Key, name)
	case envelope.OpDissolve:
		if err = o.onlyWith(name, optID, optGroup); err == nil {
			err = o.group(c, true)
		}
	case envelope.OpWithdraw:
		err = o.withdraw(c, name)
	default:
		return nil, &Error{Reason: envelope.BadRecord, Field: optOp.field(o.json),
			Detail: "is not one of join, leave, dissolve, kick, withdraw", Nearest: nearest.Name(name, opNames[1:])}
	}
	return c, err
}

func (o *options) membership(c *envelope.Control, p *Policy, key []byte, op string) *Error {
	if err := o.onlyWith(op, optTo, optID, optGroup); err != nil {
		return err
	}
	if err := o.group(c, true); err != nil {
		return err
	}
	return o.users(c, p, key, op, false)
}

func (o *options) kick(c *envelope.Control, p *Policy, key []byte, op string) *Error {
	if err := o.onlyWith(op, optTo, optID, optGroup); err != nil {
		return err
	}
	if err := o.group(c, false); err != nil {
		return err
	}
	return o.users(c, p, key, op, true)
}

func (o *options) withdraw(c *envelope.Control, op string) *Error {
	if err := o.onlyWith(op, optID); err != nil {
		return err
	}
	if !o.has(optID) {
		return badRecord(optID.field(o.json), "is missing: it names the message to withdraw")
	}
	c.ID = string(o.values[optID])
	return o.checkText(optID, wire.MessageIDBytesMax)
}

func (o *options) group(c *envelope.Control, needed bool) *Error {
	value := string(o.values[optGroup])
	switch {
	case !o.has(optGroup) && needed:
		return badRecord(optGroup.field(o.json), "is missing: it names the group")
	case !o.has(optGroup):
		return nil
	}
	// A group may be written as its id or as its address, and is encoded in
	// either as addresses are.
	if len(value) < len("group:") || value[:len("group:")] != "group:" {
		value = "group:" + value
	}
	a, err := wire.ParseAddress(value)
	if err != nil {
		return addressError(optGroup.field(o.json), err)
	}
	c.Group = a.ID
	return nil
}

// users takes the receivers of an operation: users, and devices where those make
// sense.
func (o *options) users(c *envelope.Control, p *Policy, key []byte, op string, devices bool) *Error {
	if err := o.receivers(p, key); err != nil {
		return err
	}
	for _, a := range o.to {
		if a.Kind == wire.User || a.Kind == wire.Device && devices {
			continue
		}
		return badAddress(optTo.field(o.json), op+" does not take "+a.String(), "")
	}
	c.To = wire.Distinct(o.to)
	return nil
}
