package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/pushcore/pushcore/core/config/internal/tree"
)

// defaultPlugins is the section `plugins` of a configuration without one.
//
//go:embed default.yaml
var defaultPlugins []byte

// Default is what `pushcore run` has without a file: everything on loopback,
// nobody proves anything, nothing is kept on disk.
func Default() *Config {
	c, err := Load("", nil)
	if err != nil {
		panic("config: the built-in defaults are wrong: " + err.Error())
	}
	return c
}

// Load reads the file at path, or only the defaults if path is "", and applies
// environ (as os.Environ gives it): variables with the prefix PUSHCORE__ go over
// the file's keys, then ${…} in values are replaced. Its error is of type Errors:
// everything that is wrong, one line each, in the order of the file.
func Load(path string, environ []string) (*Config, error) {
	var source []byte
	if path != "" {
		var err error
		if source, err = os.ReadFile(path); err != nil {
			return nil, unreadable(path, err)
		}
	}
	return parse(path, source, environ)
}

func unreadable(path string, err error) error {
	text := err.Error()
	var detail *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text = "no such file"
	case errors.As(err, &detail):
		text = fmt.Sprintf("cannot be read: %v", detail.Err)
	}
	return Errors{{Pos: Position{File: path}, Text: text}}
}

// parse is Load with the file's content. The order matters: the environment
// stands over the file, references work in both, and only what is then there is
// read into sections and checked.
func parse(path string, source []byte, environ []string) (*Config, error) {
	root, faults := &tree.Node{Kind: tree.Map}, Errors(nil)
	if path != "" {
		root, faults = tree.Parse(path, source)
	}
	if root == nil {
		return nil, faults.Sorted()
	}
	d := decoder{faults: faults, refused: map[string]bool{}, misspelled: map[string]bool{}}
	if path != "" {
		d.dir = filepath.Dir(path)
	}
	if written := root.Get("plugins"); written == nil || written.Kind == tree.Null {
		root.Set("plugins", Position{}, tree.Builtin(defaultPlugins))
	}
	wrapSingles(configType, root)
	d.faults = append(d.faults, tree.Overlay(root, environ, wants)...)
	wrapSingles(configType, root)
	references := tree.References{Dir: d.dir, Environ: environ}
	d.faults = append(d.faults, references.Replace(root)...)
	d.refuse("", nil, root)

	c := &Config{file: path, root: root}
	applyDefaults(reflect.ValueOf(c).Elem())
	c.Store.Path = d.resolve(c.Store.Path)
	d.structure("", root, c)
	if err := c.check(d.faults, d.misspelled); err != nil {
		return nil, err
	}
	return c, nil
}
