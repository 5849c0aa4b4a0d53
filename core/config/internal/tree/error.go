package tree

import (
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// Error is one fault of a configuration, told in one line.
type Error struct {
	Pos  Position
	Path string // such as delivery.retry[2]; empty for faults of the file as such
	Text string
}

// Error is "place: path: text", on one line whatever it quotes.
func (e *Error) Error() string {
	line := e.Text
	if e.Path != "" {
		line = e.Path + ": " + line
	}
	if !e.Pos.IsZero() {
		line = e.Pos.String() + ": " + line
	}
	if strings.IndexFunc(line, unicode.IsControl) < 0 {
		return line
	}
	return escapeControls(line)
}

func escapeControls(line string) string {
	var out strings.Builder
	for _, r := range line {
		if unicode.IsControl(r) {
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// Errors are all faults of a configuration.
type Errors []*Error

// Error is one line for each fault.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single faults to errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i := range e {
		all[i] = e[i]
	}
	return all
}

// Add appends a fault.
func (e *Errors) Add(pos Position, path, text string) {
	*e = append(*e, &Error{Pos: pos, Path: path, Text: text})
}

// Has says whether something is wrong at path or with something it is part of,
// so that whatever follows from it need not be told too.
func (e Errors) Has(path string) bool {
	for i := range e {
		if Within(path, e[i].Path) {
			return true
		}
	}
	return false
}

// Sorted is e in the order of the places, as an error, nil if there are none.
func (e Errors) Sorted() error {
	if len(e) == 0 {
		return nil
	}
	sort.SliceStable(e, func(i, j int) bool { return e[i].Pos.less(e[j].Pos) })
	return e
}
