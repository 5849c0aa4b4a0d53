package pluginrpc

import (
	"errors"

	"github.com/pushcore/pushcore/sdk"
)

// freeze hands over the loop's connections. It is the last thing that the runtime
// asked for on this link.
func (l *loop) freeze() error {
	f, ok := l.plugin.(sdk.Freezer)
	if !ok || !l.engaged || l.handed == nil {
		return errors.New("pluginrpc: the plugin cannot hand over its connections")
	}
	l.emitPosted()
	l.plugin.Flush(l.id)
	var conns []Handed
	for _, c := range f.Freeze(l.id) {
		h := Handed{Frozen: c}
		if l.kept != nil {
			h.kept = l.kept.conns[c.Conn]
			delete(l.kept.conns, c.Conn)
		}
		conns = append(conns, h)
	}
	l.engaged = false
	// First of all: what comes of the connections elsewhere must not overtake it.
	l.line.send(AppendFrozen(nil, len(conns)))
	l.line.flush()
	l.handed(l.id, conns)
	return nil
}

// FreezeListeners returns the transport's listeners. Every loop was frozen before.
func (h *Loops) FreezeListeners() []sdk.Frozen {
	return h.plugin.(sdk.Freezer).FreezeListeners()
}

// AdoptListeners takes the place of Open.
func (h *Loops) AdoptListeners(listeners []sdk.Frozen) ([]sdk.Endpoint, error) {
	endpoints, err := h.plugin.(sdk.Freezer).AdoptListeners(h, listeners)
	if err == nil {
		h.engage(true)
	}
	return endpoints, err
}

// Adopt goes on with connections of the process before on one loop, and tells the
// runtime their ids. The transport's listeners were adopted before.
func (h *Loops) Adopt(l sdk.Loop, conns []Handed) {
	p := h.loops[l]
	frozen := make([]sdk.Frozen, len(conns))
	for i := range conns {
		frozen[i] = conns[i].Frozen
	}
	p.do(func() {
		ids := h.plugin.(sdk.Freezer).Adopt(l, frozen)
		names := make([]Renamed, len(ids))
		for i, id := range ids {
			names[i] = Renamed{From: frozen[i].Conn, To: id}
			if id != 0 && p.kept != nil && conns[i].kept != nil {
				p.kept.conns[id] = conns[i].kept
			}
		}
		if p.line != nil {
			p.line.send(AppendAdopted(nil, names))
		}
	})
}
