package memory

import (
	"time"

	"github.com/pushcore/pushcore/core/store"
)

// page reads what is pending for a device after an order. What waits for whichever
// device comes first, and may go to this one, becomes this one's as it is handed out.
func (d *data) page(op *store.Op) (entries []store.Entry, more bool) {
	u := d.users[op.User]
	if u == nil {
		return nil, false
	}
	at, found := u.find(op.Order)
	if found {
		at++
	}
	bytes := 0
	for _, m := range u.messages[at:] {
		i := m.pendingFor(op.Device, op.Platform)
		if i < 0 {
			continue
		}
		r := &m.receivers[i]
		r.until = time.Time{}
		d.rearm(m)
		more = more || op.Max > 0 && len(entries) >= op.Max || op.MaxBytes > 0 && len(entries) > 0 && bytes >= op.MaxBytes
		if more {
			continue
		}
		r.Device, r.given = op.Device, true
		bytes += m.message.Size()
		entries = append(entries, store.Entry{Order: m.order, Message: m.message, Receiver: r.Receiver})
	}
	return entries, more
}

// pendingFor returns which receiver of a message a device is or may become, or -1.
func (m *stored) pendingFor(device, platform string) int {
	if i := m.find(device); i >= 0 && device != "" {
		return i
	}
	i := m.find("")
	if i < 0 || !store.MayTake(m.message, m.user.name, device, platform) {
		return -1
	}
	return i
}
