package ack

import "math/bits"

const (
	placesMin = 4 // places of the smallest window in use, a power of two

	// spanFactor bounds the numbers between the oldest message of a window and
	// the newest: this many times the messages. Acks by range and withdrawn
	// messages leave holes, and holes take memory until the oldest is gone.
	spanFactor = 4

	// placesFreeMax bounds the places kept for later use by all windows of a
	// loop: 8 MiB where M is a pointer. More go to the collector.
	placesFreeMax = 1 << 18
)

// Windows is what all windows of one loop share: the policy, and the memory of
// those that are empty. A window has places only while it has messages, which
// keeps idle sessions small, and takes them from here, which keeps the steady
// state free of allocations.
type Windows[M any] struct {
	config Config // immutable

	// Owned by the loop, as the windows are.
	free [bits.UintSize][][]place[M] // by the logarithm of the length
	kept int                         // places in free
}

// NewWindows returns the shared part for the windows of one loop.
func NewWindows[M any](c Config) (*Windows[M], error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Windows[M]{config: c}, nil
}

// Open returns an empty window for a session, its clock running. The seed
// decides the jitter. A device may want fewer messages under way than
// MessagesMax; 0 means that it does not mind.
func (s *Windows[M]) Open(seed uint64, messagesMax int) Window[M] {
	return s.OpenAfter(seed, messagesMax, 0)
}

// OpenAfter is Open for a session that goes on: numbers up to last were given before,
// by a window that is gone. Acks of them are taken and end nothing.
func (s *Windows[M]) OpenAfter(seed uint64, messagesMax int, last uint64) Window[M] {
	bound := s.config.MessagesMax
	if messagesMax > 0 {
		bound = min(bound, messagesMax)
	}
	return Window[M]{shared: s, seed: seed, messagesMax: int32(bound), base: last + 1, next: last + 1, earliest: never}
}

// take returns n places, a power of two.
func (s *Windows[M]) take(n int) []place[M] {
	list := &s.free[bits.TrailingZeros(uint(n))]
	if len(*list) == 0 {
		return make([]place[M], n)
	}
	last := len(*list) - 1
	places := (*list)[last]
	(*list)[last] = nil
	*list = (*list)[:last]
	s.kept -= n
	return places
}

// give takes places back whose messages have all ended or moved.
func (s *Windows[M]) give(places []place[M]) {
	if len(places) == 0 || s.kept+len(places) > placesFreeMax {
		return
	}
	list := &s.free[bits.TrailingZeros(uint(len(places)))]
	*list = append(*list, places)
	s.kept += len(places)
}
