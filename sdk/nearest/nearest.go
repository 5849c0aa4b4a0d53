// Package nearest finds the name that a user probably meant. Errors about
// unknown headers, configuration keys and address kinds end with it ("did you
// mean push-ttl?"), so that one line is enough to correct a typo.
package nearest

// lengthMax bounds the work on names that a stranger chose. No name of ours
// is that long, so nothing longer can be a typo of one.
const lengthMax = 64

// Name returns the member of known that is closest to got, or "" if none is
// close enough to be a plausible typo: at most one edit in every three bytes
// of the longer name, where an edit is a byte inserted, deleted or replaced,
// or two neighbours swapped. Letter case does not count, and '_' equals '-'.
// Of equally close names the first in known wins. A name that is known as it
// stands is returned unchanged.
func Name(got string, known []string) string {
	best, bestEdits := "", lengthMax
	for _, name := range known {
		if name == got {
			return name
		}
		allowed := max(len(got), len(name)) / 3
		if name == "" || len(got) > lengthMax || len(name) > lengthMax {
			continue
		}
		if edits := distance(got, name); edits < bestEdits && edits <= allowed {
			best, bestEdits = name, edits
		}
	}
	return best
}

// distance is the optimal string alignment distance of two folded names, both
// of at most lengthMax bytes: the edits that turn a into b if no byte is
// edited twice.
func distance(a, b string) int {
	// Rows i-2, i-1 and i of the table of distances between prefixes.
	var rows [3][lengthMax + 1]int
	before, above, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := above[j-1]
			if fold(a[i-1]) != fold(b[j-1]) {
				replaced++
			}
			row[j] = min(replaced, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && fold(a[i-1]) == fold(b[j-2]) && fold(a[i-2]) == fold(b[j-1]) {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

func fold(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case c == '_':
		return '-'
	}
	return c
}
