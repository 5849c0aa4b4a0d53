package pluginrpc

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// memoryLink is a link within one process, over two streams.
type memoryLink struct {
	*Link
	host sdk.Host
	loop sdk.Loop
	up   *stream // plugin's loop → runtime's loop

	// Everything following is owned by the runtime's loop.
	taken []byte
}

var _ Owner = (*memoryLink)(nil)

func newMemoryLink(h sdk.Host, l sdk.Loop, there *Loops) *memoryLink {
	k := &memoryLink{host: h, loop: l}
	k.Link = newLink(k, 0)
	down := &stream{wake: func() { there.wake(l) }}
	k.up = &stream{wake: func() { h.Poller(l).Do(k) }}
	k.Link.out = streamCarrier{down}
	there.attachStream(l, down, streamCarrier{k.up}, false)
	return k
}

// Run is the task that empties the link: all of it, each time, so that acks never
// wait behind uplinks for which there is no credit; those the host refuses.
func (k *memoryLink) Run(sdk.Loop) {
	k.taken = k.up.take(k.taken)
	if _, err := k.receive(k.taken); err != nil {
		k.broken(err)
	}
}

// Credit implements Owner, as the following do.
func (k *memoryLink) Credit() int        { return k.host.Credit(k.loop) }
func (k *memoryLink) Emit(e []sdk.Event) { k.host.Emit(k.loop, e) }
func (k *memoryLink) Poller() sdk.Poller { return k.host.Poller(k.loop) }
func (k *memoryLink) Written(uint64)     {}
func (k *memoryLink) Block(bool)         {} // Both sides are one process: it goes on as soon as its loop does.
func (k *memoryLink) Table([]Conn)       {}
func (k *memoryLink) Frozen()            {}
func (k *memoryLink) Adopted([]Renamed)  {}
func (k *memoryLink) Broken(err error) {
	k.host.Log().Error("link is broken", "loop", int(k.loop), "error", err)
}

// settle waits until the runtime's loop has emptied the link for the last time.
func (k *memoryLink) settle(deadline time.Time) {
	done := make(chan struct{})
	k.host.Poller(k.loop).Do(&last{k, done})
	select {
	case <-done:
	case <-time.After(time.Until(deadline)):
		k.host.Log().Warn("what the plugin emitted last is lost: the host's loop did not run", "loop", int(k.loop))
	}
}

// last is the task of settle.
type last struct {
	link *memoryLink
	done chan struct{}
}

// Run implements sdk.Task.
func (t *last) Run(l sdk.Loop) {
	t.link.Run(l)
	t.link.Close()
	close(t.done)
}
