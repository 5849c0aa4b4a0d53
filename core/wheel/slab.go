package wheel

import "time"

// ID names a timer of one wheel. The zero ID names none.
type ID uint64

// An ID is the timer's place and its generation there, which is never 0:
//
//	63        32 31         0
//	[generation] [   place  ]
func newID(i int32, generation uint32) ID {
	return ID(generation)<<32 | ID(uint32(i))
}

const (
	none      = int32(-1)
	chunkBits = 8
	chunkSize = 1 << chunkBits
	chunkMask = chunkSize - 1
)

// timer is one place of the slab. While it is free, next links the free ones.
type timer[T any] struct {
	at         time.Duration
	next, prev int32
	bucket     int32  // none while the place is free
	generation uint32 // of the timer that is here or was here last
	value      T
}

// slab holds the timers. It grows chunk by chunk: one large slice would have
// to be copied whole, in the middle of a turn, each time it grows.
type slab[T any] struct {
	chunks []*[chunkSize]timer[T]
	free   int32 // first free place, or none
	used   int
}

func (s *slab[T]) at(i int32) *timer[T] {
	return &s.chunks[i>>chunkBits][i&chunkMask]
}

// take returns a free place under a new generation, to be linked at once.
func (s *slab[T]) take() int32 {
	if s.free == none {
		s.grow()
	}
	i := s.free
	t := s.at(i)
	s.free = t.next
	s.used++
	if t.generation++; t.generation == 0 {
		t.generation = 1
	}
	return i
}

// give frees a place. It lets go of the value, which may hold pointers.
func (s *slab[T]) give(i int32) {
	t := s.at(i)
	var zero T
	t.value, t.bucket = zero, none
	t.next, s.free = s.free, i
	s.used--
}

// find returns the timer that an ID names, or nil if it is no longer there.
func (s *slab[T]) find(id ID) (int32, *timer[T]) {
	i := int32(uint32(id))
	if i < 0 || int(i>>chunkBits) >= len(s.chunks) {
		return none, nil
	}
	t := s.at(i)
	if t.bucket == none || t.generation != uint32(id>>32) {
		return none, nil
	}
	return i, t
}

func (s *slab[T]) grow() {
	base := int32(len(s.chunks)) << chunkBits
	chunk := new([chunkSize]timer[T])
	for i := range chunk {
		chunk[i].bucket = none
		chunk[i].next = base + int32(i) + 1
	}
	chunk[chunkMask].next = none
	s.chunks = append(s.chunks, chunk)
	s.free = base
}
