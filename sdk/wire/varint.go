package wire

// uvarint reads a counter: seven bits a byte, the lowest first, the high bit
// set in all bytes but the last. It returns the bytes read: 0 if b ends too
// early, -1 if there is none: above CounterMax, or longer than need be (each
// counter has one form, so that each frame has one).
func uvarint(b []byte) (v uint64, n int) {
	const bytesMax = 8 // 56 bits, CounterMax has 53.
	for i, c := range b {
		if i == bytesMax {
			return 0, -1
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if v > CounterMax || c == 0 && i > 0 {
				return 0, -1
			}
			return v, i + 1
		}
	}
	if len(b) >= bytesMax {
		return 0, -1
	}
	return 0, 0
}

// uvarintSize returns the length of v's form.
func uvarintSize(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}
