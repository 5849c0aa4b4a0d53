package disk

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk/wire"
)

// isShared tells whether several users may store a message: then it lies there once.
func isShared(m *envelope.Message) bool {
	return len(m.To) > 1 || len(m.To) == 1 && m.To[0].Kind != wire.User && m.To[0].Kind != wire.Device
}

// share refers to the message that several users have, which is written for the
// first of them.
func (d *data) share(e *entry, m *envelope.Message) {
	e.shared = d.sharing.get(m)
	if e.shared == 0 || d.refs[e.shared] == 0 {
		d.payload++
		e.shared = d.payload
		d.set(numberKey(d.key[:0], keyShared, e.shared), appendMessage(begin(d.value), e.message))
		d.sharing.add(m, e.shared, e.size)
		d.onUndo(d.sharing.clear)
	}
	d.addRef(e.shared, 1)
}

func (d *data) unshare(number uint64) {
	if d.addRef(number, -1); d.refs[number] == 0 {
		d.delete(numberKey(d.key[:0], keyShared, number))
	}
}

// addRef counts who shares a message. None: it is gone.
func (d *data) addRef(number uint64, n int) {
	before := d.refs[number]
	d.onUndo(func() { d.setRef(number, before) })
	d.setRef(number, before+n)
}

func (d *data) setRef(number uint64, n int) {
	if n == 0 {
		delete(d.refs, number)
		return
	}
	d.refs[number] = n
}
