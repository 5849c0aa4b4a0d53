package config

import (
	"fmt"
	"strings"

	"github.com/pushcore/pushcore/core/config/internal/tree"
)

// place is a key at which checks report faults.
type place struct {
	*checks
	path    string
	section string // path of the section that the key is in
}

// checks collects what is wrong with a configuration that could be read.
type checks struct {
	root     *tree.Node
	file     string
	faults   Errors
	warnings Errors

	misspelled map[string]bool // sections with unknown keys
}

func (c *Config) checks() place {
	return place{checks: &checks{root: c.root, file: c.file}}
}

func (at place) key(name string) place { return place{at.checks, tree.Join(at.path, name), at.path} }

func (at place) item(i int) place { return place{at.checks, tree.Index(at.path, i), at.path} }

// fail reports a fault, unless one is known there already: what follows from it
// need not be told too.
func (at place) fail(format string, args ...any) {
	if !at.hasFault() {
		at.faults.Add(at.position(), at.path, fmt.Sprintf(format, args...))
	}
}

func (at place) warn(format string, args ...any) {
	at.warnings.Add(at.position(), at.path, fmt.Sprintf(format, args...))
}

func (at place) hasFault() bool { return at.faults.Has(at.path) }

// missing reports that nothing was written here, unless a key beside it is unknown
// and may be meant.
func (at place) missing(why string, args ...any) {
	if !at.misspelled[at.section] {
		at.fail("missing"+why, args...)
	}
}

func (at place) position() Position {
	pos, _ := tree.Find(at.root, at.path)
	if pos.IsZero() {
		pos.File = at.file
	}
	return pos
}

// Pos is where the key at path stands, such as plugins.orders.config or
// auth.jwt[0].issuer. A key that was not written has the place of the section it
// would stand in.
func (c *Config) Pos(path string) Position {
	at := c.checks()
	at.path = path
	return at.position()
}

// listWords is "a, b and c".
func listWords(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// countWord is a small number as a word.
func countWord(n int) string {
	return []string{"none", "one", "two", "three"}[n]
}
