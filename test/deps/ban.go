package deps

import (
	"fmt"
	"strings"
)

// Ban says that packages must not know others, neither directly nor by way of packages that the ban says nothing about.
type Ban struct {
	From   []string // patterns
	Except []string // patterns, taken out of From
	To     []string // patterns
	But    []string // patterns, taken out of To
	Tests  Tests
	Direct bool // only the imports of From itself count
	Why    string
}

// Tests says what a ban has to do with test files. Only their own imports count, not what comes with these.
type Tests bool

const (
	TestsToo  Tests = true
	TestsFree Tests = false
)

// order is a chain of layers, lowest first: none may know one above it.
func order(why string, layers ...[]string) []Ban {
	var bans []Ban
	for i, lower := range layers[:len(layers)-1] {
		var above []string
		for _, upper := range layers[i+1:] {
			above = append(above, upper...)
		}
		bans = append(bans, Ban{From: lower, To: above, Tests: TestsToo, Why: why})
	}
	return bans
}

func (b Ban) concerns(pkg string) bool {
	return matchesAny(pkg, b.From) && !matchesAny(pkg, b.Except)
}

func (b Ban) forbids(pkg, other string) bool {
	return other != pkg && matchesAny(other, b.To) && !matchesAny(other, b.But) // An external test knows what it tests.
}

// Banned lists the imports that the bans forbid.
func (t *Tree) Banned(bans []Ban) []Breach {
	var found []Breach
	for _, ban := range bans {
		for _, f := range t.files {
			if ban.concerns(f.pkg) && (!f.test || ban.Tests == TestsToo) {
				found = append(found, t.bannedIn(f, ban)...)
			}
		}
	}
	sortBreaches(found)
	return found
}

func (t *Tree) bannedIn(f *file, ban Ban) []Breach {
	var found []Breach
	for _, i := range f.imports {
		what := ""
		if ban.forbids(f.pkg, i.pkg) {
			what = "imports " + shown(i.pkg)
		} else if ban.Direct || f.test {
			continue
		} else if by := t.way(f.pkg, i.pkg, ban, map[string]bool{}); by != "" {
			what = fmt.Sprintf("imports %s, and so %s", shown(i.pkg), shown(by))
		}
		if what != "" {
			found = append(found, Breach{File: f.name, Line: i.line, What: what, Why: ban.Why})
		}
	}
	return found
}

// way finds a package forbidden to pkg behind its import next, "" if there is none. It does not look behind packages that
// the ban concerns itself: those have breaches of their own.
func (t *Tree) way(pkg, next string, ban Ban, seen map[string]bool) string {
	if seen[next] || ban.concerns(next) || next == pkg {
		return ""
	}
	seen[next] = true
	for _, f := range t.byPkg[next] {
		if f.test {
			continue
		}
		for _, i := range f.imports {
			if ban.forbids(pkg, i.pkg) {
				return i.pkg
			}
			if by := t.way(pkg, i.pkg, ban, seen); by != "" {
				return by
			}
		}
	}
	return ""
}

func shown(pkg string) string { return strings.TrimPrefix(pkg, "./") }
