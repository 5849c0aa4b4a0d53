package memory

import (
	"container/heap"
	"time"
)

// deadlines has the stored messages by when they end.
type deadlines struct{ heap deadlineHeap }

// first is the one that ends first, or nil.
func (d *deadlines) first() *stored {
	if len(d.heap) == 0 {
		return nil
	}
	return d.heap[0]
}

func (d *deadlines) add(m *stored, at time.Time) {
	m.deadline = at
	heap.Push(&d.heap, m)
}

func (d *deadlines) set(m *stored, at time.Time) {
	if !m.deadline.Equal(at) {
		m.deadline = at
		heap.Fix(&d.heap, m.place)
	}
}

func (d *deadlines) remove(m *stored) { heap.Remove(&d.heap, m.place) }

// deadlineHeap implements heap.Interface.
type deadlineHeap []*stored

func (h deadlineHeap) Len() int { return len(h) }

func (h deadlineHeap) Less(i, j int) bool { return h[i].deadline.Before(h[j].deadline) }

func (h deadlineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *deadlineHeap) Push(m any) {
	m.(*stored).place = len(*h)
	*h = append(*h, m.(*stored))
}

func (h *deadlineHeap) Pop() any {
	all := *h
	last := all[len(all)-1]
	all[len(all)-1] = nil
	*h = all[:len(all)-1]
	return last
}
