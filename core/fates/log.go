package fates

// place is where a record stands in the log: how often the ring had gone round, then
// where in it. So a later record has a higher one, and finding it takes no division.
// 0 is none.
type place uint64

const (
	roundBits = 40 // of a place, below them where in the ring: a terabyte at most
	ringMask  = 1<<roundBits - 1

	// chunkBytes is how much is allocated, and forgotten, at once. No record is
	// larger, and none lies in two chunks.
	chunkBits  = 16
	chunkBytes = 1 << chunkBits
)

// log is a ring of chunks, which are allocated as they are needed.
type log struct {
	chunks [][]byte
	began  []int64 // of the chunks: the instant of the first record
	next   place
	oldest place // what is below is forgotten
}

const firstPlace = place(1 << roundBits)

func newLog(bytes int) log {
	n := max(2, bytes/chunkBytes)
	return log{chunks: make([][]byte, n), began: make([]int64, n), next: firstPlace, oldest: firstPlace}
}

// has tells whether a place is not forgotten.
func (l *log) has(p place) bool { return p >= l.oldest && p < l.next }

// at is the log from a place to the end of its chunk.
func (l *log) at(p place) []byte { return l.chunks[p&ringMask>>chunkBits][p&(chunkBytes-1):] }

// add makes room for a record, whose bytes are what was there before.
func (l *log) add(size int, now int64) (place, []byte) {
	if rest := chunkBytes - int(l.next&(chunkBytes-1)); size > rest {
		l.next += place(rest) //nolint:gosec // At most a chunk.
	}
	if l.next&(chunkBytes-1) == 0 {
		l.begin(now)
	}
	p := l.next
	l.next += place(size) //nolint:gosec // At most a chunk.
	return p, l.at(p)[:size:size]
}

// begin begins a chunk, over the oldest one if all are full.
func (l *log) begin(now int64) {
	i := int(l.next & ringMask >> chunkBits) //nolint:gosec // Below the number of chunks, or it.
	if i == len(l.chunks) {
		i, l.next = 0, (l.next>>roundBits+1)<<roundBits
	}
	if l.chunks[i] == nil {
		l.chunks[i] = make([]byte, chunkBytes)
	}
	l.began[i] = now
	if l.next>>roundBits == 1 {
		return
	}
	l.oldest = l.next &^ ringMask
	if i+1 < len(l.chunks) { // The rest of the round before is left.
		l.oldest = l.next - firstPlace + chunkBytes
	}
}

// since is the instant from which on nothing is forgotten; 0: nothing ever was.
func (l *log) since() int64 {
	if l.oldest == firstPlace {
		return 0
	}
	return l.began[l.oldest&ringMask>>chunkBits]
}
