package process

import (
	"context"
	"sync"

	"github.com/pushcore/pushcore/sdk"
)

// mqHost is the host of one instance over the lives of its processes: it knows
// what ends with a process. A process counts epochs from where it likes; the host
// is told them above all that it was told before. Methods may be called from any
// goroutine.
type mqHost struct {
	sdk.MQHost

	mu      sync.Mutex // guards the rest
	sources map[string]*sourceEpochs
	waiting map[uint64]bool // publishes without a result
}

// sourceEpochs are those of one source.
type sourceEpochs struct {
	base     uint64 // added to this process's epochs
	last     uint64 // the highest that the host was told
	assigned bool
}

func newMQHost(h sdk.MQHost) *mqHost {
	return &mqHost{MQHost: h, sources: map[string]*sourceEpochs{}, waiting: map[uint64]bool{}}
}

// Assigned implements sdk.MQHost, as the following do.
func (h *mqHost) Assigned(s sdk.Source) {
	h.mu.Lock()
	e := h.sources[s.Name]
	if e == nil {
		e = &sourceEpochs{}
		h.sources[s.Name] = e
	}
	s.Epoch += e.base
	e.last, e.assigned = max(e.last, s.Epoch), true
	h.mu.Unlock()
	h.MQHost.Assigned(s)
}

func (h *mqHost) Revoked(source string, epoch uint64) {
	h.mu.Lock()
	if e := h.sources[source]; e != nil {
		epoch += e.base
		e.assigned = e.assigned && epoch < e.last
	}
	h.mu.Unlock()
	h.MQHost.Revoked(source, epoch)
}

func (h *mqHost) Batch(ctx context.Context, b sdk.Records) error {
	h.mu.Lock()
	if e := h.sources[b.Source]; e != nil {
		b.Epoch += e.base
	}
	h.mu.Unlock()
	return h.MQHost.Batch(ctx, b)
}

func (h *mqHost) Published(r []sdk.PublishResult) {
	h.mu.Lock()
	known := r[:0]
	for _, one := range r {
		if h.waiting[one.ID] { // Else it was answered when the process before ended.
			delete(h.waiting, one.ID)
			known = append(known, one)
		}
	}
	h.mu.Unlock()
	if len(known) > 0 {
		h.MQHost.Published(known)
	}
}

// settlements are those of s that this process understands, with its epochs.
func (h *mqHost) settlements(s []sdk.Settlement) []sdk.Settlement {
	h.mu.Lock()
	defer h.mu.Unlock()
	var own []sdk.Settlement
	for _, one := range s {
		if e := h.sources[one.Source]; e != nil && one.Epoch > e.base {
			one.Epoch -= e.base
			own = append(own, one)
		}
	}
	return own
}

// publishing notes what the process was given to publish.
func (h *mqHost) publishing(r []sdk.Outgoing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range r {
		h.waiting[r[i].ID] = true
	}
}

const processDown = "the plugin's process is down"

// refuse answers publishes for which there is no process.
func (h *mqHost) refuse(r []sdk.Outgoing) {
	results := make([]sdk.PublishResult, len(r))
	for i := range r {
		results[i] = sdk.PublishResult{ID: r[i].ID, Error: processDown}
	}
	h.MQHost.Published(results)
}

// away ends what the process had: its epochs, and the publishes that it has not
// answered. The process may have carried them out: who asked asks again.
func (h *mqHost) away(text string) {
	h.mu.Lock()
	revoked := map[string]uint64{}
	for name, e := range h.sources {
		if e.assigned {
			revoked[name] = e.last
			e.assigned = false
		}
		e.base = e.last
	}
	var results []sdk.PublishResult
	for id := range h.waiting {
		results = append(results, sdk.PublishResult{ID: id, Error: processDown})
	}
	clear(h.waiting)
	h.mu.Unlock()
	for name, epoch := range revoked {
		h.MQHost.Revoked(name, epoch)
	}
	if len(results) > 0 {
		h.MQHost.Published(results)
	}
	h.Status(false, text)
}
