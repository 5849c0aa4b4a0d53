package tree

import (
	"sort"
	"strings"
)

// Error is one fault of a configuration, told in one line.
type Error struct {
	Pos  Position
	Path string // such as delivery.retry[2]; empty for faults of the file as such
	Text string
}

// Error is "place: path: text".
func (e *Error) Error() string {
	line := e.Text
	if e.Path != "" {
		line = e.Path + ": " + line
	}
	if e.Pos.IsZero() {
		return line
	}
	return e.Pos.String() + ": " + line
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
