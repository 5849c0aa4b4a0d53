package memory

import (
	"errors"

	"github.com/pushcore/pushcore/core/store"
)

// history is what a group's joined sessions may catch up with.
type history struct {
	position uint64
	entries  []store.Entry // Order is the position
}

// errHole is the failure of an Append behind one that failed.
var errHole = errors.New("memory: an earlier message of the group's history is missing")

// append keeps a message as a group's newest.
func (d *data) append(op *store.Op) error {
	h := d.histories[op.Group]
	if h == nil {
		h = &history{}
		d.histories[op.Group] = h
	}
	switch {
	case op.Order <= h.position:
		return nil // It is there.
	case h.position > 0 && h.position < op.After:
		return errHole
	}
	h.position = op.Order
	h.entries = append(h.entries, store.Entry{Order: op.Order, Message: op.Message})
	for len(h.entries) > 0 && (len(h.entries) > op.Limit.Messages || h.entries[0].Message.AcceptedAt.Before(op.Since)) {
		h.entries[0] = store.Entry{}
		h.entries = h.entries[1:]
	}
	return nil
}

// replay reads a group's history.
func (d *data) replay(op *store.Op, a *store.Answer) {
	h := d.histories[op.Group]
	if h == nil {
		return
	}
	bytes := 0
	for _, e := range h.entries {
		if e.Message.AcceptedAt.Before(op.Since) {
			continue
		}
		if a.First == 0 {
			a.First = e.Order
		}
		if e.Order <= op.Order {
			continue
		}
		if op.Max > 0 && len(a.Entries) >= op.Max || op.MaxBytes > 0 && len(a.Entries) > 0 && bytes >= op.MaxBytes {
			a.More = true
			return
		}
		bytes += e.Message.Size()
		a.Entries = append(a.Entries, e)
	}
}
