package session

// Outbox is a session's ordered queue: entering it makes the order in which the
// device gets messages. It is a ring that grows by doubling and lets its memory go
// when it is empty; its bounds are the shard's to keep.
type Outbox struct {
	ring  []Entry // its length is a power of two
	head  int
	len   int
	bytes int // of the payloads in it
}

// outboxKeep is the largest ring that an empty outbox keeps.
const outboxKeep = 16

// Len is the number of entries.
func (o *Outbox) Len() int { return o.len }

// Bytes is the sum of the entries' payloads.
func (o *Outbox) Bytes() int { return o.bytes }

// Push adds an entry at the end.
func (o *Outbox) Push(e Entry) {
	if o.len == len(o.ring) {
		o.grow()
	}
	o.ring[(o.head+o.len)&(len(o.ring)-1)] = e
	o.len++
	o.bytes += len(e.Part.Message.Payload)
}

func (o *Outbox) grow() {
	ring := make([]Entry, max(4, 2*len(o.ring)))
	for i := range o.len {
		ring[i] = o.At(i)
	}
	o.ring, o.head = ring, 0
}

// At is the entry at place i, counted from the front.
func (o *Outbox) At(i int) Entry { return o.ring[(o.head+i)&(len(o.ring)-1)] }

// Pop takes the first entry. The outbox must not be empty.
func (o *Outbox) Pop() Entry {
	e := o.ring[o.head]
	o.ring[o.head] = Entry{}
	o.head = (o.head + 1) & (len(o.ring) - 1)
	o.len--
	o.bytes -= len(e.Part.Message.Payload)
	o.release()
	return e
}

// release lets the memory of an empty outbox go.
func (o *Outbox) release() {
	if o.len > 0 {
		return
	}
	o.head = 0
	if len(o.ring) > outboxKeep {
		o.ring = nil
	}
}

// RemoveFunc takes out, in order, all entries for which f says so.
func (o *Outbox) RemoveFunc(f func(Entry) bool) {
	kept := 0
	for i := range o.len {
		e := o.At(i)
		if f(e) {
			o.bytes -= len(e.Part.Message.Payload)
			continue
		}
		if kept < i {
			o.ring[(o.head+kept)&(len(o.ring)-1)] = e
		}
		kept++
	}
	for i := kept; i < o.len; i++ {
		o.ring[(o.head+i)&(len(o.ring)-1)] = Entry{}
	}
	o.len = kept
	o.release()
}

// RemoveFirst takes out the first entry for which f says so. Its cost is that of
// the entries before it, whatever the length of the outbox.
func (o *Outbox) RemoveFirst(f func(Entry) bool) (Entry, bool) {
	at := 0
	for ; at < o.len && !f(o.At(at)); at++ {
	}
	if at == o.len {
		return Entry{}, false
	}
	e := o.At(at)
	for mask := len(o.ring) - 1; at > 0; at-- {
		o.ring[(o.head+at)&mask] = o.ring[(o.head+at-1)&mask]
	}
	o.ring[o.head] = e // Pop takes its bytes off.
	return o.Pop(), true
}
