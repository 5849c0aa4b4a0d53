package disk

import (
	"encoding/binary"
	"errors"

	"github.com/pushcore/pushcore/core/store"
)

// history is what is kept in memory of a group's messages that its joined sessions
// may catch up with.
type history struct {
	position uint64
	count    int
	oldest   uint64 // none lies below
	accepted uint64 // the oldest one's time, if known
}

// changeHistory makes a group's history, or has its change undone with the group.
func (d *data) changeHistory(group string) *history {
	h := d.histories[group]
	if h == nil {
		h = &history{}
		d.histories[group] = h
		d.onUndo(func() { delete(d.histories, group) })
		return h
	}
	before := *h
	d.onUndo(func() { *h = before })
	return h
}

// errHole is the failure of an Append behind one that failed.
var errHole = errors.New("disk: an earlier message of the group's history is missing")

// append keeps a message as a group's newest.
func (d *data) append(op *store.Op, a *store.Answer) error {
	if h := d.histories[op.Group]; h != nil && op.Order <= h.position {
		return nil // It is there.
	} else if h != nil && h.position < op.After {
		a.Err = errHole // Of this one alone, not of what is committed with it.
		return nil
	}
	h := d.changeHistory(op.Group)
	h.position = op.Order
	d.set(groupKey(d.key[:0], keyPosition, op.Group), binary.AppendUvarint(begin(d.value), op.Order))
	if h.count == 0 {
		h.oldest, h.accepted = op.Order, instant(op.Message.AcceptedAt)
	}
	h.count++
	d.set(historyKey(d.key[:0], op.Group, op.Order), appendMessage(begin(d.value), op.Message))
	since := instant(op.Since)
	if h.count <= op.Limit.Messages && h.accepted >= since {
		return nil
	}
	return d.eachMessage(op.Group, h.oldest, func(e store.Entry) (bool, error) {
		h.oldest, h.accepted = e.Order, instant(e.Message.AcceptedAt)
		if h.count <= op.Limit.Messages && h.accepted >= since {
			return false, nil
		}
		d.delete(historyKey(d.key[:0], op.Group, e.Order))
		h.count--
		return true, nil
	})
}

// replay reads a group's history.
func (d *data) replay(op *store.Op, a *store.Answer) error {
	h := d.histories[op.Group]
	if h == nil {
		return nil
	}
	err := d.eachMessage(op.Group, h.oldest, func(e store.Entry) (bool, error) {
		if !e.Message.AcceptedAt.Before(op.Since) {
			a.First = e.Order
		}
		return a.First == 0, nil
	})
	if err != nil || a.First == 0 {
		return err
	}
	bytes := 0
	return d.eachMessage(op.Group, max(a.First, op.Order+1), func(e store.Entry) (bool, error) {
		if e.Message.AcceptedAt.Before(op.Since) {
			return true, nil
		}
		if op.Max > 0 && len(a.Entries) >= op.Max || op.MaxBytes > 0 && len(a.Entries) > 0 && bytes >= op.MaxBytes {
			a.More = true
			return false, nil
		}
		bytes += e.Message.Size()
		a.Entries = append(a.Entries, e)
		return true, nil
	})
}

// forgetHistory removes a group's messages and its position.
func (d *data) forgetHistory(group string) error {
	h := d.histories[group]
	if h == nil {
		return nil
	}
	delete(d.histories, group)
	d.onUndo(func() { d.histories[group] = h })
	from := groupKey(nil, keyHistory, group)
	_ = d.batch.DeleteRange(from, end(from), nil) // Cannot fail.
	d.delete(groupKey(d.key[:0], keyPosition, group))
	return nil
}

// eachMessage reads a group's history from a position on.
func (d *data) eachMessage(group string, position uint64, f func(e store.Entry) (more bool, err error)) error {
	prefix := groupKey(nil, keyHistory, group)
	return d.scan(historyKey(nil, group, position), end(prefix), func(key []byte, c *content) (bool, error) {
		p := parse(key, len(prefix))
		e := store.Entry{Order: p.number()}
		e.Message = c.message()
		if err := c.close(key); err != nil {
			return false, err
		}

		return f(e)
	})
}

func historyKey(k []byte, group string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(groupKey(k, keyHistory, group), position)
}
