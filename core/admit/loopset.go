package admit

import "math/bits"

// LoopsMax is the most loops that a node may have.
const LoopsMax = 256

// LoopSet is a set of loops. The zero value is empty.
type LoopSet [LoopsMax / 64]uint64

// Add puts a loop in.
func (s *LoopSet) Add(loop int) { s[loop>>6] |= 1 << (loop & 63) }

// Remove takes a loop out.
func (s *LoopSet) Remove(loop int) { s[loop>>6] &^= 1 << (loop & 63) }

// Has tells whether a loop is in. A number that is no loop's is not.
func (s *LoopSet) Has(loop int) bool {
	return uint(loop) < LoopsMax && s[loop>>6]&(1<<(loop&63)) != 0
}

// Empty tells whether nothing is in.
func (s *LoopSet) Empty() bool { return *s == LoopSet{} }

// Len counts the loops.
func (s *LoopSet) Len() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// Next returns the first loop from a number on, or -1.
func (s *LoopSet) Next(from int) int {
	for word := from >> 6; word < len(s); word++ {
		rest := s[word]
		if word == from>>6 {
			rest &= ^uint64(0) << (from & 63)
		}
		if rest != 0 {
			return word<<6 + bits.TrailingZeros64(rest)
		}
	}
	return -1
}
