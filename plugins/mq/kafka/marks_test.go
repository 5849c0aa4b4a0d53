package kafka

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// plainMarks is the obvious implementation.
type plainMarks map[int64]bool

func (p plainMarks) add(first, last int64) {
	for o := first; o < last; o++ {
		p[o] = true
	}
}

func TestMarksAreWhatWasMarked(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		m, plain := marks{end: 3}, plainMarks{}
		plain.add(0, 3)
		for range 40 {
			first := random.Int64N(60)
			last := first + random.Int64N(5)
			m.add(first, last)
			plain.add(first, last)
			text, err := m.metadata()
			if err != nil {
				t.Fatal(err)
			}
			read, err := parseMarks(m.end, text)
			if err != nil {
				t.Fatalf("seed %d: %v of %v", seed, err, m)
			}
			if fmt.Sprint(read) != fmt.Sprint(m) {
				t.Fatalf("seed %d: %v came back as %v", seed, m, read)
			}
			for o := range int64(70) {
				if m.has(o) != plain[o] {
					t.Fatalf("seed %d: offset %d is marked: %v, in %v", seed, o, m.has(o), m)
				}
			}
			if plain[m.end] {
				t.Fatalf("seed %d: the end %d is marked", seed, m.end)
			}
		}
	}
}

func TestMarksHaveABound(t *testing.T) {
	var m marks
	for o := int64(1); ; o += 2 {
		m.add(o, o+1)
		text, err := m.metadata()
		if errors.Is(err, errMarksFull) {
			if len(m.spans) < 1000 {
				t.Errorf("full after %d", len(m.spans))
			}
			break
		}
		if err != nil || len(text) > marksBytesMax {
			t.Fatal(err, len(text))
		}
	}
	m.add(0, m.spans[len(m.spans)-1].last)
	if text, err := m.metadata(); text != "" || err != nil {
		t.Errorf("contiguous marks are %q, %v", text, err)
	}
}

func FuzzMarks(f *testing.F) {
	f.Add(int64(7), "letters1:AQIDBA")
	f.Add(int64(-1), "somebody else's")
	f.Fuzz(func(t *testing.T, offset int64, metadata string) {
		m, err := parseMarks(offset, metadata)
		if err != nil {
			return
		}
		text, err := m.metadata()
		if err != nil {
			return
		}
		again, err := parseMarks(m.end, text)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(m) {
			t.Errorf("%v came back as %v, %v", m, again, err)
		}
	})
}
