package deps

import (
	"bytes"
	"fmt"
)

// Words are not to be said in a part of the tree: not in names, not in comments, not in strings.
type Words struct {
	In      []string // patterns
	Except  []string // patterns, taken out of In
	Words   []string // lower case
	Allowed []Allowance
	Why     string
}

// Allowance is a place where a word may be said after all. One that is not needed any more is a breach itself.
type Allowance struct {
	File string
	Text string // what the line has, as it is written there
	Why  string
}

// Said lists the lines of product code that say one of the words.
func (t *Tree) Said(w Words) []Breach {
	var found []Breach
	needed := make([]bool, len(w.Allowed))
	for _, f := range t.files {
		if f.test || !matchesAny(f.pkg, w.In) || matchesAny(f.pkg, w.Except) {
			continue
		}
		number := 0
		for line := range bytes.Lines(f.source) {
			number++
			word := firstWord(line, w.Words)
			if word == "" || w.allows(f.name, line, needed) {
				continue
			}
			found = append(found, Breach{File: f.name, Line: number, What: fmt.Sprintf("says %q", word), Why: w.Why})
		}
	}
	for i, a := range w.Allowed {
		if !needed[i] {
			found = append(found, Breach{What: fmt.Sprintf("%s may say %q", a.File, a.Text), Why: "it does not, so the allowance goes"})
		}
	}
	return found
}

func firstWord(line []byte, words []string) string {
	lower := bytes.ToLower(line)
	for _, word := range words {
		if bytes.Contains(lower, []byte(word)) {
			return word
		}
	}
	return ""
}

func (w Words) allows(file string, line []byte, needed []bool) bool {
	for i, a := range w.Allowed {
		if a.File == file && bytes.Contains(line, []byte(a.Text)) {
			needed[i] = true
			return true
		}
	}
	return false
}
