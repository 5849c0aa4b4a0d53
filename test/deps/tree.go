package deps

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Tree is a module's Go code, read.
type Tree struct {
	module string
	files  []*file
	byPkg  map[string][]*file // key as in file.pkg
}

// file is one Go file.
type file struct {
	pkg     string // its package's place: "./core/ring", "." for the root
	name    string // with its folder: "core/ring/ring.go"
	test    bool
	source  []byte
	syntax  *ast.File
	set     *token.FileSet
	imports []imported
}

// imported is one import of a file. Packages of the module are written with a dot, as for the go command ("./core/ring"),
// all others as they stand in the code.
type imported struct {
	pkg  string
	name string // by which the file's code calls it
	line int
}

// Load reads the module whose root is given: all of it but testdata, hidden folders and modules inside.
func Load(root fs.FS) (*Tree, error) {
	module, err := moduleName(root)
	if err != nil {
		return nil, err
	}
	t := &Tree{module: module, byPkg: make(map[string][]*file)}
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && skipped(root, name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		return t.add(root, name)
	})
	return t, err
}

func moduleName(root fs.FS) (string, error) {
	content, err := fs.ReadFile(root, "go.mod")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(content)) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	return "", fmt.Errorf("go.mod names no module")
}

func skipped(root fs.FS, folder string) bool {
	if folder == "." {
		return false
	}
	base := path.Base(folder)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := fs.Stat(root, path.Join(folder, "go.mod"))
	return err == nil
}

func (t *Tree) add(root fs.FS, name string) error {
	source, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	f := &file{name: name, test: strings.HasSuffix(name, "_test.go"), source: source, set: token.NewFileSet()}
	f.pkg = "./" + path.Dir(name)
	if path.Dir(name) == "." {
		f.pkg = "."
	}
	if f.syntax, err = parser.ParseFile(f.set, name, source, parser.ParseComments); err != nil {
		return err
	}
	for _, spec := range f.syntax.Imports {
		f.imports = append(f.imports, t.imported(f, spec))
	}
	t.files = append(t.files, f)
	t.byPkg[f.pkg] = append(t.byPkg[f.pkg], f)
	return nil
}

func (t *Tree) imported(f *file, spec *ast.ImportSpec) imported {
	full, _ := strconv.Unquote(spec.Path.Value) // The parser has checked it.
	i := imported{pkg: full, name: path.Base(full), line: f.line(spec)}
	if isVersion(i.name) {
		i.name = path.Base(path.Dir(full))
	}
	if spec.Name != nil {
		i.name = spec.Name.Name
	}
	if full == t.module {
		i.pkg = "."
	} else if inside, ok := strings.CutPrefix(full, t.module+"/"); ok {
		i.pkg = "./" + inside
	}
	return i
}

// isVersion reports whether a path's last element is like the v2 of math/rand/v2.
func isVersion(element string) bool {
	number, ok := strings.CutPrefix(element, "v")
	_, err := strconv.Atoi(number)
	return ok && err == nil
}

func (f *file) line(node ast.Node) int { return f.set.Position(node.Pos()).Line }
