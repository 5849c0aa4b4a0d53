package tree

import "strconv"

// Position is a place in the configuration: in a file, or in an environment
// variable. The zero Position is that of a built-in default.
type Position struct {
	File   string
	Line   int // from 1
	Column int // from 1, in characters
	Env    string
}

// IsZero says that nobody wrote what stands at p.
func (p Position) IsZero() bool { return p == Position{} }

// String is file:line:column, the variable's name, or "default".
func (p Position) String() string {
	switch {
	case p.Env != "":
		return p.Env
	case p.Line > 0:
		return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
	case p.File != "":
		return p.File
	}
	return "default"
}

// less orders places as a reader meets them: the file from its top, then
// variables by name.
func (p Position) less(q Position) bool {
	switch {
	case p.Env != q.Env:
		return p.Env < q.Env
	case p.File != q.File:
		return p.File < q.File
	case p.Line != q.Line:
		return p.Line < q.Line
	}
	return p.Column < q.Column
}
