package serve

import (
	"context"
	"sync"

	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// entriesMax bounds the log entries that wait for a runtime; the oldest go first.
const entriesMax = 1000

// journal keeps what the plugin logs until a runtime has it. Its methods may be
// called from any goroutine.
type journal struct {
	wake chan struct{} // holds one token when there may be something to take

	mu       sync.Mutex // guards the rest
	waiting  []*pluginpb.LogEntry
	lost     uint64        // before the oldest of waiting
	replaced chan struct{} // closed when another stream takes over, or at the end
	ended    bool
}

func newJournal() *journal {
	return &journal{wake: make(chan struct{}, 1), replaced: make(chan struct{})}
}

// add takes an entry.
func (j *journal) add(e *pluginpb.LogEntry) {
	j.mu.Lock()
	j.waiting = append(j.waiting, e)
	j.boundLocked()
	j.mu.Unlock()
	j.signal()
}

func (j *journal) boundLocked() {
	if over := len(j.waiting) - entriesMax; over > 0 {
		for _, e := range j.waiting[:over] {
			j.lost += 1 + e.GetLost()
		}
		j.waiting = append(j.waiting[:0], j.waiting[over:]...)
	}
}

func (j *journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// take empties the journal; the first entry says how many are lost before it.
func (j *journal) take() []*pluginpb.LogEntry {
	j.mu.Lock()
	defer j.mu.Unlock()
	batch := j.waiting
	j.waiting = nil
	if len(batch) > 0 {
		batch[0].Lost += j.lost
		j.lost = 0
	}
	return batch
}

// giveBack puts entries that did not go out before those that came since.
func (j *journal) giveBack(batch []*pluginpb.LogEntry) {
	j.mu.Lock()
	j.waiting = append(batch, j.waiting...)
	j.boundLocked()
	j.mu.Unlock()
	j.signal()
}

// stream sends entries until ctx ends, another stream begins, or the journal is
// closed and empty.
func (j *journal) stream(ctx context.Context, send func(*pluginpb.LogEntry) error) error {
	replaced := j.subscribe()
	for {
		for batch := j.take(); len(batch) > 0; batch = batch[1:] {
			if err := send(batch[0]); err != nil {
				j.giveBack(batch)
				return err
			}
		}
		select {
		case <-replaced:
			j.signal() // The token may have been the other stream's.
			return nil
		default:
		}
		select {
		case <-j.wake:
		case <-replaced:
		case <-ctx.Done():
			j.signal()
			return ctx.Err()
		}
	}
}

// subscribe ends the earlier stream.
func (j *journal) subscribe() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended {
		close(j.replaced)
		j.replaced = make(chan struct{})
	}
	return j.replaced
}

// close ends the stream when it has sent what there is.
func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended {
		j.ended = true
		close(j.replaced)
	}
}
