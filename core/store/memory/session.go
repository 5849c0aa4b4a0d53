package memory

import (
	"slices"
	"strings"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// endSession leaves what is stored for a session without a device id to whichever
// device comes first, or ends it where another receiver of the user has it.
func (d *data) endSession(op *store.Op) (removed []store.Pair) {
	u := d.users[op.User]
	if u == nil {
		return nil
	}
	for _, m := range slices.Clone(u.messages) {
		removed = append(removed, d.orphan(m, op)...)
	}
	return removed
}

// orphan does so for one message.
func (d *data) orphan(m *stored, op *store.Op) []store.Pair {
	i := m.find(op.Device)
	switch {
	case i < 0:
		return nil
	case m.acked || len(m.receivers) > 1:
		return d.end(m, []store.Receiver{{Device: op.Device}}, op.Fate, op.Reason)
	}
	m.receivers[i].Device, m.receivers[i].until = "", op.Until
	d.rearm(m)
	return nil
}

// endSessions ends all sessions, as they do with their process. Nobody is told: a
// new process counts what it is carried.
func (d *data) endSessions() {
	for _, u := range d.users {
		for _, m := range slices.Clone(u.messages) {
			for _, r := range slices.Clone(m.receivers) {
				if strings.HasPrefix(r.Device, store.SessionPrefix) {
					d.orphan(m, &store.Op{Device: r.Device, Fate: envelope.Dropped, Reason: envelope.SessionEnded})
				}
			}
		}
	}
}
