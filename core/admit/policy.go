package admit

import (
	"fmt"
	"strings"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// Policy is how an input's records are read. It is immutable while in use.
type Policy struct {
	Plugin string // name of the instance: the scope of ids
	JSON   bool   // the value is one line of a batch; else options stand in push-* headers

	Push    bool // messages are allowed
	Control bool // records with push-op are allowed

	DefaultTo []wire.Address // for records without push-to, see ParseDefaultTo; nil: they are bad

	TTL        time.Duration // of messages without push-ttl
	StoreAfter time.Duration // see envelope.Message
	PayloadMax int           // longest payload in bytes; a longer one is dead(too_large)

	Receipt    bool // a receipt has a target; else asking for one is bad
	DeadLetter bool // so has a dead letter: what it needs is kept with the message

	// Shared says that a record's Body is part of a larger buffer (the lines of
	// an HTTP batch), so that a payload is copied out of it. Otherwise the
	// message keeps the record's own slices.
	Shared bool
}

// Allow reads an input's `allow` list. None means push.
func (p *Policy) Allow(names []string) error {
	p.Push, p.Control = len(names) == 0, false
	for _, name := range names {
		switch name {
		case "push":
			p.Push = true
		case "control":
			p.Control = true
		default:
			return fmt.Errorf("%q is not push or control", name)
		}
	}
	return nil
}

// Format reads an input's `format`. None means raw.
func (p *Policy) Format(name string) error {
	switch name {
	case "", "raw":
		p.JSON = false
	case "json":
		p.JSON = true
	default:
		return fmt.Errorf("%q is not raw or json", name)
	}
	return nil
}

// keyPlace stands for the record's key in default_to.
const keyPlace = "{key}"

// ParseDefaultTo reads an input's `default_to`: a list of addresses in which
// {key} stands for the record's key, byte for byte.
func ParseDefaultTo(list string) ([]wire.Address, error) {
	return wire.ParseList(list)
}

// defaultTo is the default with the record's key filled in.
func (p *Policy) defaultTo(key []byte) ([]wire.Address, *Error) {
	to := make([]wire.Address, len(p.DefaultTo))
	for i, a := range p.DefaultTo {
		if strings.Contains(a.ID, keyPlace) || strings.Contains(a.Device, keyPlace) {
			if len(key) == 0 {
				return nil, badRecord(optTo.field(p.JSON), "the record names no receivers and has no key for default_to")
			}
			a.ID = strings.ReplaceAll(a.ID, keyPlace, string(key))
			a.Device = strings.ReplaceAll(a.Device, keyPlace, string(key))
			if !wire.ValidID(a.ID) || a.Kind == wire.Device && !wire.ValidID(a.Device) {
				return nil, badAddress(optTo.field(p.JSON), fmt.Sprintf("the record's key %.64q is no id for default_to", key), "")
			}
		}
		to[i] = a
	}
	return to, nil
}
