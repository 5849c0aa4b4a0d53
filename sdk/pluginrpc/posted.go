package pluginrpc

import (
	"sync"

	"github.com/pushcore/pushcore/sdk"
)

// postedMax bounds the payload bytes that were posted and have not left for the
// runtime. One call above the bound is taken alone.
const postedMax = 4 << 20

// posted is what other goroutines have for a loop.
type posted struct {
	mu     sync.Mutex // guards the rest
	events [][]sdk.Event
	bytes  int // of payloads, until done
}

// put takes events, and their slice, unless too much waits with backlog bytes on
// the link.
func (p *posted) put(e []sdk.Event, backlog int, always bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !always && p.bytes+backlog > postedMax {
		return false
	}
	p.events = append(p.events, e)
	p.bytes += payloads(e)
	return true
}

// take empties the queue.
func (p *posted) take() [][]sdk.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.events) == 0 {
		return nil
	}
	e := p.events
	p.events = nil
	return e
}

// done says that events taken are on the link.
func (p *posted) done(e []sdk.Event) {
	p.mu.Lock()
	p.bytes -= payloads(e)
	p.mu.Unlock()
}

func payloads(e []sdk.Event) (bytes int) {
	for i := range e {
		bytes += len(e[i].Payload)
	}
	return bytes
}
