package wire

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Ack says that the device has handled what it got: every seq up to Seq, those
// that were never used included, and besides those in Ranges. Acks may be
// repeated and may overlap.
//
//	type 7 | seq | count | count × (gap | length)
//
// A range begins gap seqs behind the end of what is acked before it, leaving
// out gap of them, and acks length; neither is 0. In JSON a range is [first,
// last].
type Ack struct {
	Seq    uint64     // All up to it; 0: nothing yet.
	Ranges []SeqRange // Ascending, not touching each other or Seq; at most AckRangesMax.
}

// SeqRange is the numbers from First to Last, both included.
type SeqRange struct{ First, Last uint64 }

// Type returns TypeAck.
func (*Ack) Type() Type { return TypeAck }

// Append implements Frame.
func (a *Ack) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, byte(TypeAck)), a.Seq)
	dst = binary.AppendUvarint(dst, uint64(len(a.Ranges)))
	end := a.Seq
	for _, g := range a.Ranges {
		dst = binary.AppendUvarint(dst, g.First-end-1)
		dst = binary.AppendUvarint(dst, g.Last-g.First+1)
		end = g.Last
	}
	return dst
}

// Parse implements Frame. It allocates nothing if a.Ranges has room for the
// ranges: use an Ack again.
func (a *Ack) Parse(b []byte) error {
	r := readFrame(TypeAck, b)
	a.Seq = r.counter("seq", CounterMax)
	a.Ranges = a.Ranges[:0]
	end := a.Seq
	for range r.count("ranges", AckRangesMax) {
		offset := r.pos
		gap, length := r.positive("gap"), r.positive("length")
		if r.err == nil && gap+length > CounterMax-end {
			r.fail("ranges", offset, "a seq is not below 2^53")
		}
		if r.err != nil {
			break
		}
		g := SeqRange{First: end + gap + 1, Last: end + gap + length}
		a.Ranges = append(a.Ranges, g)
		end = g.Last
	}
	return r.end()
}

// AppendJSON implements Frame.
func (a *Ack) AppendJSON(dst []byte) []byte {
	dst = appendJSONCounter(appendJSONType(dst, TypeAck), "seq", a.Seq)
	if len(a.Ranges) == 0 {
		return append(dst, '}')
	}
	dst = append(appendJSONName(dst, "ranges"), '[')
	for i, g := range a.Ranges {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(append(dst, '['), g.First, 10)
		dst = strconv.AppendUint(append(dst, ','), g.Last, 10)
		dst = append(dst, ']')
	}
	return append(dst, ']', '}')
}

var ackFields = []string{"type", "seq", "ranges"}

// ParseJSON implements Frame.
func (a *Ack) ParseJSON(b []byte) error {
	*a = Ack{Ranges: a.Ranges[:0]}
	r := readJSON(TypeAck, b)
	fields := jsonFields{names: ackFields}
	for r.field(&fields) {
		switch fields.name {
		case "seq":
			a.Seq = r.counter("seq", CounterMax)
		case "ranges":
			a.Ranges = r.ranges(a.Ranges)
		}
	}
	end := a.Seq
	for _, g := range a.Ranges {
		if g.First <= end+1 || g.Last < g.First {
			r.fail("ranges", r.pos, fmt.Sprintf("[%d,%d] does not lie behind what is acked before it", g.First, g.Last))
		}
		end = g.Last
	}
	return r.end()
}

// ranges reads an array of pairs into the memory of into.
func (r *jsonReader) ranges(into []SeqRange) []SeqRange {
	into = into[:0]
	r.open('[')
	for r.more(']') {
		if len(into) == AckRangesMax {
			r.fail("ranges", r.pos, fmt.Sprintf("more than %d", AckRangesMax))
			break
		}
		var g SeqRange
		r.open('[')
		g.First = r.counter("ranges", CounterMax)
		r.expect(',')
		g.Last = r.counter("ranges", CounterMax)
		r.expect(']')
		r.first = false
		into = append(into, g)
	}
	return into
}
