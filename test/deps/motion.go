package deps

import (
	"go/ast"
	"path"
	"slices"
)

// Motion is a package of which only a part is fit for state.
type Motion struct {
	Package string
	Names   []string // forbidden, all if empty
	But     []string // allowed; path.Match patterns
	Why     string
}

func (m Motion) forbids(name string) bool {
	allowed := slices.ContainsFunc(m.But, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
	return !allowed && (len(m.Names) == 0 || slices.Contains(m.Names, name))
}

// Moving lists where packages that ought to be pure state keep clocks, locks or goroutines. Their tests may.
func (t *Tree) Moving(packages []string, motions []Motion) []Breach {
	var found []Breach
	for _, f := range t.files {
		if f.test || !matchesAny(f.pkg, packages) {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			if what, why := f.moves(node, motions); what != "" {
				found = append(found, Breach{File: f.name, Line: f.line(node), What: what, Why: why})
			}
			return true
		})
	}
	return found
}

func (f *file) moves(node ast.Node, motions []Motion) (what, why string) {
	switch n := node.(type) {
	case *ast.GoStmt:
		return "starts a goroutine", goroutines
	case *ast.ChanType:
		return "has a channel", goroutines
	case *ast.SelectorExpr:
		base, ok := n.X.(*ast.Ident)
		if !ok || !f.isImport(base) {
			return "", ""
		}
		for _, m := range motions {
			if f.importOf(base.Name) == m.Package && m.forbids(n.Sel.Name) {
				return "uses " + base.Name + "." + n.Sel.Name, m.Why
			}
		}
	}
	return "", ""
}

// isImport reports whether the name is an import and not one that the file itself declares: the parser resolves those.
func (f *file) isImport(name *ast.Ident) bool {
	return name.Obj == nil && f.importOf(name.Name) != ""
}

func (f *file) importOf(name string) string {
	for _, i := range f.imports {
		if i.name == name {
			return i.pkg
		}
	}
	return ""
}
