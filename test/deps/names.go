package deps

import (
	"path"
	"slices"
)

// Names are not to be given to packages.
type Names struct {
	Names []string
	Why   string
}

// Named lists the packages whose folder, or clause, has one of the names; each at its first file.
func (t *Tree) Named(n Names) []Breach {
	var found []Breach
	for pkg, files := range t.byPkg {
		f := files[0]
		for _, name := range []string{path.Base(pkg), f.syntax.Name.Name} {
			if slices.Contains(n.Names, name) {
				found = append(found, Breach{File: f.name, Line: f.line(f.syntax.Name), What: "a package called " + name, Why: n.Why})
				break
			}
		}
	}
	return found
}
