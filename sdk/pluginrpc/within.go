package pluginrpc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// innerLink is a link within one process: the runtime's end and its owner.
type innerLink struct {
	*Link
	host sdk.Host
	loop sdk.Loop
	up   *stream // plugin's loop → runtime's loop; nil: the carrier reads for itself

	// Everything following is owned by the runtime's loop.
	taken []byte
}

var _ Owner = (*innerLink)(nil)

// newStreamLink makes a link over two streams.
func newStreamLink(h sdk.Host, l sdk.Loop, there *Loops) (*innerLink, error) {
	k := &innerLink{host: h, loop: l}
	k.Link = newLink(k, 0)
	down := &stream{wake: func() { there.wake(l) }}
	k.up = &stream{wake: func() { h.Poller(l).Do(k) }}
	k.Link.out = streamCarrier{down}
	there.attachStream(l, down, streamCarrier{k.up}, false)
	return k, nil
}

// newPipedLink makes a link over a pipe.
func newPipedLink(h sdk.Host, l sdk.Loop, there *Loops) (*innerLink, error) {
	k := &innerLink{host: h, loop: l}
	here, other := net.Pipe()
	c := LinkConfig{Loop: l, Token: make([]byte, TokenSize)}
	k.Link = NewPipeLink(c, NewConnPipe(here), k)
	if err := readHello(other, c); err != nil {
		return nil, err
	}
	there.AttachPipe(l, NewConnPipe(other), false)
	return k, nil
}

// readHello takes the first record off a link that was opened with c.
func readHello(r io.Reader, c LinkConfig) error {
	first := make([]byte, HeaderSize+len(c.Token))
	if _, err := io.ReadFull(r, first); err != nil {
		return err
	}
	record, _, err := Next(first)
	if err != nil {
		return err
	}
	if _, l, err := record.Hello(); err != nil || l != c.Loop {
		return fmt.Errorf("pluginrpc: Hello of loop %d, want %d: %w", l, c.Loop, err)
	}
	return nil
}

// Run is the task that empties the link: all of it, each time, so that acks never
// wait behind uplinks for which there is no credit; those the host refuses.
func (k *innerLink) Run(sdk.Loop) {
	if k.up == nil {
		return
	}
	k.taken = k.up.take(k.taken)
	if _, err := k.receive(k.taken); err != nil {
		k.broken(err)
	}
}

// Credit implements Owner, as the following do.
func (k *innerLink) Credit() int        { return k.host.Credit(k.loop) }
func (k *innerLink) Emit(e []sdk.Event) { k.host.Emit(k.loop, e) }
func (k *innerLink) Poller() sdk.Poller { return k.host.Poller(k.loop) }
func (k *innerLink) Written(uint64)     {}
func (k *innerLink) Block(bool)         {} // Both sides are one process: it goes on as soon as its loop does.
func (k *innerLink) Table([]Conn)       {}
func (k *innerLink) Frozen()            {}
func (k *innerLink) Adopted([]Renamed)  {}
func (k *innerLink) Broken(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
		return // The plugin's side was closed first.
	}
	k.host.Log().Error("link is broken", "loop", int(k.loop), "error", err)
}

// settle waits until the runtime's loop has emptied the link for the last time.
func (k *innerLink) settle(deadline time.Time) {
	done := make(chan struct{})
	k.host.Poller(k.loop).Do(&last{link: k, done: done, deadline: deadline})
	select {
	case <-done:
	case <-time.After(time.Until(deadline)):
		k.host.Log().Warn("what the plugin emitted last is lost: the host's loop did not run", "loop", int(k.loop))
	}
}

// last is the task of settle: it closes a link whose plugin's side has closed, as
// soon as all that came on it was taken.
type last struct {
	link     *innerLink
	done     chan struct{}
	deadline time.Time
}

// Run implements sdk.Task.
func (t *last) Run(l sdk.Loop) {
	t.link.Run(l)
	if t.link.up == nil && !t.link.ended && time.Now().Before(t.deadline) {
		t.link.host.Poller(l).Do(t) // The carrier tells its end when it has given all.
		return
	}
	t.link.Close()
	close(t.done)
}
