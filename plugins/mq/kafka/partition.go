package kafka

import (
	"context"
	"strconv"
	"sync"

	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
	"github.com/pushcore/pushcore/plugins/mq/internal/track"
	"github.com/pushcore/pushcore/sdk"
)

// partition is one assigned partition in one generation.
type partition struct {
	topic string
	id    int
	name  string // of the source
	gate  *pace.Gate

	mu        sync.Mutex // guards the following
	epoch     uint64     // 0: none, settlements are ignored
	requeue   context.CancelFunc
	tracker   *track.Tracker
	committed int64 // what the group has; -1 before the first commit
	taken     int64 // the offset after the last record that the host took
}

func newPartition(topic string, id int, committed int64, gate *pace.Gate) *partition {
	return &partition{topic: topic, id: id, name: sourceName(topic, id), gate: gate, committed: committed}
}

func sourceName(topic string, id int) string { return topic + "/" + strconv.Itoa(id) }

// begin starts an epoch at an offset. requeue is called when the host gives a
// record back.
func (p *partition) begin(epoch uint64, offset int64, requeue context.CancelFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch, p.requeue, p.tracker, p.taken = epoch, requeue, track.New(uint64(offset)), offset
}

// end ends the epoch and returns the offset from which the next one has to read:
// the oldest record that is not settled, or rewound if that is not negative.
func (p *partition) end(rewound int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch = 0
	if rewound >= 0 {
		p.committed = -1 // What was committed is beyond the partition's end.
		return rewound
	}
	return int64(p.tracker.End())
}

// settle marks records and tells whether there is something new to commit. Kafka
// cannot deliver one record again, so a record given back ends the epoch: the next
// one reads from the oldest record that is not settled.
func (p *partition) settle(s *sdk.Settlement) (dirty bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoch == 0 || p.epoch != s.Epoch {
		return false
	}
	if s.Outcome == sdk.Requeue {
		p.requeue()
		return false
	}
	for _, position := range s.Positions {
		p.tracker.Settle(position)
	}
	return int64(p.tracker.End()) > p.committed
}

// handed notes records before they are handed over: they may be settled before
// that call returns.
func (p *partition) handed(records []sdk.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range records {
		p.tracker.Handed(records[i].Position)
	}
}

// skip notes that there are no records before next. It tells whether that alone
// moves what can be committed.
func (p *partition) skip(next int64) (dirty bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tracker.Skip(uint64(next))
	p.taken = max(p.taken, next)
	return int64(p.tracker.End()) > p.committed
}

// uncommitted is the offset to commit, if there is a newer one.
func (p *partition) uncommitted() (offset int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tracker == nil {
		return 0, false
	}
	end := int64(p.tracker.End())
	return end, end > p.committed
}

func (p *partition) commit(offset int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committed = max(p.committed, offset)
}

// took notes that the host has taken everything before next.
func (p *partition) took(next int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = max(p.taken, next)
}

// lag is how many records before end the host has not taken.
func (p *partition) lag(end int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, end-p.taken)
}
