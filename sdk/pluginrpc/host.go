package pluginrpc

import (
	"log/slog"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// postedMax bounds the bytes that wait on a link for Post to put more on it. One
// call above the bound is taken alone.
const postedMax = 4 << 20

// transportHost is the host that a transport sees on its side of the links.
type transportHost struct {
	loops []*loop
	log   *slog.Logger
}

var _ sdk.Host = (*transportHost)(nil)

func (h *transportHost) Loops() int                     { return len(h.loops) }
func (h *transportHost) Now(l sdk.Loop) time.Time       { return h.loops[l].reactor.now }
func (h *transportHost) Emit(l sdk.Loop, e []sdk.Event) { h.loops[l].emit(e) }
func (h *transportHost) Credit(l sdk.Loop) int          { return h.loops[l].credit() }
func (h *transportHost) Poller(l sdk.Loop) sdk.Poller   { return h.loops[l].reactor }
func (h *transportHost) Log() *slog.Logger              { return h.log }

// Post puts events on the link from any goroutine.
func (h *transportHost) Post(l sdk.Loop, e []sdk.Event) bool {
	always := false
	for i := range e {
		always = always || e[i].Kind == sdk.EventClosed
	}
	up := h.loops[l].link.up
	if !always && up.length() > postedMax {
		return false
	}
	var b []byte
	for i := range e {
		b = h.loops[l].appendEvent(b, &e[i])
	}
	up.put(b)
	return true
}
