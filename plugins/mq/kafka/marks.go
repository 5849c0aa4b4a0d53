package kafka

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// marks are the offsets of one partition whose letters were taken: all below end,
// and the spans above it. They are kept as a committed offset and its metadata.
type marks struct {
	end   int64
	spans []span // ascending, apart from each other and from end, none empty
}

// span is the offsets from first up to, not including, last.
type span struct{ first, last int64 }

// has tells whether an offset is marked.
func (m *marks) has(offset int64) bool {
	if offset < m.end {
		return true
	}
	i, _ := slices.BinarySearchFunc(m.spans, offset, func(s span, offset int64) int {
		if s.last <= offset {
			return -1
		}
		return 1
	})
	return i < len(m.spans) && m.spans[i].first <= offset
}

// add marks the offsets from first up to, not including, last.
func (m *marks) add(first, last int64) {
	if first >= last {
		return
	}
	if first <= m.end {
		m.end = max(m.end, last)
	} else {
		// Those that touch the new one become one with it.
		from, _ := slices.BinarySearchFunc(m.spans, first, func(s span, first int64) int { return compare(s.last, first) })
		to := from
		for to < len(m.spans) && m.spans[to].first <= last {
			first, last = min(first, m.spans[to].first), max(last, m.spans[to].last)
			to++
		}
		m.spans = slices.Replace(m.spans, from, to, span{first, last})
	}
	for len(m.spans) > 0 && m.spans[0].first <= m.end {
		m.end = max(m.end, m.spans[0].last)
		m.spans = m.spans[1:]
	}
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Metadata is versioned, in base64, and has a bound: that of brokers' default for
// offset.metadata.max.bytes.
const (
	marksPrefix   = "letters1:"
	marksBytesMax = 4096
)

var errMarksFull = errors.New("letters were taken here and there so often that no more such places can be kept for this partition: take all that are left before one of them, or say so for all")

// metadata is the spans in text: for each how far it begins behind the last one's
// end, and its length, as varints.
func (m *marks) metadata() (string, error) {
	if len(m.spans) == 0 {
		return "", nil
	}
	var raw []byte
	at := m.end
	for _, s := range m.spans {
		raw = binary.AppendUvarint(raw, uint64(s.first-at))
		raw = binary.AppendUvarint(raw, uint64(s.last-s.first))
		at = s.last
	}
	text := marksPrefix + base64.RawStdEncoding.EncodeToString(raw)
	if len(text) > marksBytesMax {
		return "", errMarksFull
	}
	return text, nil
}

// parseMarks reads a commit. What somebody else committed for the group without
// metadata of ours counts as the offset alone.
func parseMarks(offset int64, metadata string) (marks, error) {
	m := marks{end: max(offset, 0)}
	encoded, ok := strings.CutPrefix(metadata, marksPrefix)
	if !ok {
		return m, nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return m, fmt.Errorf("marks of taken letters: %w", err)
	}
	at := m.end
	for len(raw) > 0 {
		gap, n := binary.Uvarint(raw)
		length, k := binary.Uvarint(raw[max(n, 0):])
		const most = 1 << 62
		if n <= 0 || k <= 0 || gap == 0 || length == 0 || gap > most || length > most || at > most-int64(gap) || at+int64(gap) > most-int64(length) {
			return m, errors.New("marks of taken letters are damaged")
		}
		raw = raw[n+k:]
		s := span{first: at + int64(gap), last: at + int64(gap) + int64(length)}
		m.spans = append(m.spans, s)
		at = s.last
	}
	return m, nil
}
