package disk

import (
	"encoding/binary"
	"slices"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// entry says of a message in a user's mailbox who of his receivers it is for.
type entry struct {
	user  *user
	order uint64

	shared    uint64 // number of the message that several users share; 0: it is this user's alone
	size      int    // of the message
	deadline  uint64 // instant
	hash      uint64 // of the message's scope and id
	acked     bool   // by one of its receivers here
	collapse  string
	receivers []store.Receiver // not empty

	message *envelope.Message // nil: not read yet
}

// Flags of an entry.
const (
	flagAcked = 1 << iota
	flagShared
	numEntryFlags = iota
)

func newEntry(u *user, order uint64, m *envelope.Message) *entry {
	return &entry{
		user: u, order: order, size: m.Size(), deadline: instant(m.ExpiresAt), hash: hashID(m.Scope, m.ID),
		collapse: m.Collapse, message: m,
	}
}

func (e *entry) append(v []byte) []byte {
	var flags byte
	if e.acked {
		flags |= flagAcked
	}
	if e.shared != 0 {
		flags |= flagShared
	}
	v = append(v, flags)
	if e.shared != 0 {
		v = binary.AppendUvarint(v, e.shared)
	}
	v = binary.AppendUvarint(v, uint64(e.size)) //nolint:gosec // Not negative.
	v = binary.LittleEndian.AppendUint64(v, e.deadline)
	v = binary.LittleEndian.AppendUint64(v, e.hash)
	v = appendText(v, e.collapse)
	v = binary.AppendUvarint(v, uint64(len(e.receivers)))
	for i := range e.receivers {
		v = appendReceiver(v, &e.receivers[i])
	}
	return v
}

func appendReceiver(v []byte, r *store.Receiver) []byte {
	v = binary.AppendUvarint(appendText(v, r.Device), uint64(max(0, r.Attempts))) //nolint:gosec // Not negative.
	if r.Sent {
		return append(v, 1)
	}
	return append(v, 0)
}

// entry reads one. It holds none of the value's memory.
func (c *content) entry() *entry {
	e := &entry{}
	flags := c.limited(1 << numEntryFlags)
	e.acked = flags&flagAcked != 0
	if flags&flagShared != 0 {
		e.shared = c.uvarint()
		c.bad = c.bad || e.shared == 0
	}
	e.size = int(c.uvarint()) //nolint:gosec // As it was written.
	e.deadline, e.hash, e.collapse = c.fixed(), c.fixed(), c.text()
	n := c.count()
	e.receivers = make([]store.Receiver, 0, n)
	for range n {
		e.receivers = append(e.receivers, c.receiver())
	}
	c.bad = c.bad || n == 0 || e.size < 0
	return e
}

func (c *content) receiver() store.Receiver {
	r := store.Receiver{Device: c.text(), Attempts: int(c.uvarint())} //nolint:gosec // As it was written.
	r.Sent = c.limited(2) == 1
	c.bad = c.bad || r.Attempts < 0
	return r
}

// find returns where a receiver stands, or -1.
func (e *entry) find(device string) int {
	return slices.IndexFunc(e.receivers, func(r store.Receiver) bool { return r.Device == device })
}

// pair names a receiver of a stored message, which has been read.
func (e *entry) pair(r store.Receiver) store.Pair {
	return store.Pair{Message: e.message, Order: e.order, User: e.user.name, Receiver: r, At: e.message.AcceptedAt}
}
