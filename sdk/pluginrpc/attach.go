package pluginrpc

import (
	"github.com/pushcore/pushcore/sdk"
)

// AttachPipe begins a loop's link over a pipe, from which Hello was received. It
// is closed when the link ends. table says that the runtime is to be told of the
// connections that there are. It returns a channel that is closed when the link
// has ended.
func (h *Loops) AttachPipe(l sdk.Loop, p Pipe, table bool) <-chan struct{} {
	k := h.loops[l]
	var m *pump
	m = newPump(p, func() { h.wake(l) }, func(err error) {
		k.reactor.Do(&pipeEnd{k, m, err})
	})
	k.do(func() { k.attach(m, m.in, table) })
	m.start()
	return m.gone
}

// pipeEnd is the task that ends a link whose pipe has ended.
type pipeEnd struct {
	loop *loop
	pump *pump
	err  error
}

// Run implements sdk.Task.
func (t *pipeEnd) Run(sdk.Loop) {
	if t.loop.line != carrier(t.pump) {
		return // Another one has taken its place.
	}
	t.loop.takeIncoming()
	t.loop.lost(t.err)
}

// LinkConfig says of what a link of the runtime is.
type LinkConfig struct {
	Loop  sdk.Loop
	Token []byte // as Attach returned it for the loop
	// Incarnation is put above the ids of the process's connections.
	Incarnation uint16
}

// NewPipeLink begins a loop's link over a pipe. It is called on the loop and
// returns at once; o.Broken tells the end.
func NewPipeLink(c LinkConfig, p Pipe, o Owner) *Link {
	k := newLink(o, c.Incarnation)
	taker := &pipeTaker{link: k}
	poller := o.Poller()
	taker.pump = newPump(p, func() { poller.Do(taker) }, func(err error) { poller.Do(&linkEnd{taker, err}) })
	k.out = taker.pump
	taker.pump.start()
	k.out.send(AppendHello(nil, c.Token, c.Loop))
	return k
}

// pipeTaker is the task that takes what came on a pipe.
type pipeTaker struct {
	link  *Link
	pump  *pump
	taken []byte
}

// Run implements sdk.Task.
func (t *pipeTaker) Run(sdk.Loop) {
	t.taken = t.pump.in.take(t.taken)
	if _, err := t.link.receive(t.taken); err != nil {
		t.link.broken(err)
	}
}

// linkEnd is the task that ends a link whose pipe has ended, when what came before
// was taken.
type linkEnd struct {
	taker *pipeTaker
	err   error
}

// Run implements sdk.Task.
func (t *linkEnd) Run(l sdk.Loop) {
	t.taker.Run(l)
	t.taker.link.broken(t.err)
}
