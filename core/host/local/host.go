package local

import (
	"log/slog"
	"time"

	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/sdk"
)

// host is what a transport sees of the loops.
type host struct {
	ports []*loop.Port // by loop
	log   *slog.Logger
}

var _ sdk.Host = (*host)(nil)

func (h *host) Loops() int                          { return len(h.ports) }
func (h *host) Now(l sdk.Loop) time.Time            { return h.ports[l].Now() }
func (h *host) Emit(l sdk.Loop, e []sdk.Event)      { h.ports[l].Emit(e) }
func (h *host) Credit(l sdk.Loop) int               { return h.ports[l].Credit() }
func (h *host) Poller(l sdk.Loop) sdk.Poller        { return h.ports[l].Poller() }
func (h *host) Post(l sdk.Loop, e []sdk.Event) bool { return h.ports[l].Post(e) }
func (h *host) Log() *slog.Logger                   { return h.log }
