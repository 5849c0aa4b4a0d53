package config

import (
	"encoding"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/pushcore/pushcore/core/config/internal/tree"
	"github.com/pushcore/pushcore/sdk/nearest"
)

// decoder reads a tree into sections and collects what does not fit.
type decoder struct {
	dir    string // of the configuration file; relative paths begin there
	faults Errors

	// refused holds the keys that this version does not have.
	refused map[string]bool
	// misspelled holds the sections with unknown keys: what seems to be missing
	// there may be what was misspelled.
	misspelled map[string]bool
}

// structure reads a map into the section that target points to. What is not
// written keeps its value.
func (d *decoder) structure(path string, n *tree.Node, target any) {
	v := reflect.ValueOf(target).Elem()
	if n.Kind == tree.Null {
		return
	}
	if n.Kind != tree.Map {
		d.mismatch(path, n, "a map of keys")
		return
	}
	fields := fieldsOf(v.Type())
	for _, entry := range n.Entries {
		at := tree.Join(path, entry.Key)
		if f := findField(fields, entry.Key); f != nil {
			d.value(at, entry, v.Field(f.index), f)
		} else if !d.refused[at] {
			d.faults.Add(entry.Pos, at, unknownKey(entry, path, v.Type()))
			d.misspelled[path] = true
		}
	}
}

func unknownKey(entry tree.Entry, path string, section reflect.Type) string {
	known := keysOf(fieldsOf(section))
	near := nearest.Name(entry.Key, known)
	switch {
	case near == "" && section == pluginsType.Elem():
		return "unknown key: a plugin's own options stand under `config`"
	case near == "":
		return "unknown key: there are " + listWords(known)
	case entry.Pos.Env != "":
		near = tree.EnvName(tree.Join(path, near))
	}
	return "unknown key (did you mean " + near + "?)"
}

// value reads one key into v.
func (d *decoder) value(path string, entry tree.Entry, v reflect.Value, f *field) {
	n := entry.Value
	switch form := formOf(f.typ); {
	case form == formPlugins:
		v.Set(reflect.ValueOf(d.plugins(path, n)))
	case n.Kind == tree.Null && form.isScalar():
		d.faults.Add(entry.Pos, path, noValue(v))
	case n.Kind == tree.Null:
		// A section whose keys are all commented out has its defaults.
	case form == formOptions:
		v.SetBytes(d.options(path, n))
	case form == formSection:
		d.section(path, n, v)
	case form == formList:
		d.list(path, n, v, f)
	case form == formMap:
		d.table(path, n, v)
	default:
		d.scalar(path, n, v, f)
	}
}

func noValue(v reflect.Value) string {
	if text := fmt.Sprint(v.Interface()); text != "" && formOf(v.Type()) != formBool {
		return "has no value: leave it out for the default, " + text
	}
	return "has no value: leave it out for the default"
}

func (d *decoder) section(path string, n *tree.Node, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		applyDefaults(v.Elem())
		v = v.Elem()
	}
	d.structure(path, n, v.Addr().Interface())
}

// list replaces what v holds.
func (d *decoder) list(path string, n *tree.Node, v reflect.Value, f *field) {
	if n.Kind != tree.List {
		want := "a list"
		if n.Kind != tree.Map && n.Quotable() {
			want = "a list such as [" + n.Text + "]"
		}
		d.mismatch(path, n, want)
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
	for i, item := range n.Items {
		d.item(tree.Index(path, i), tree.Entry{Pos: item.Pos, Value: item}, list.Index(i), f)
	}
	v.Set(list)
}

// table replaces what v, a map, holds.
func (d *decoder) table(path string, n *tree.Node, v reflect.Value) {
	if n.Kind != tree.Map {
		d.mismatch(path, n, "a map of keys")
		return
	}
	table := reflect.MakeMap(v.Type())
	for _, entry := range n.Entries {
		item := reflect.New(v.Type().Elem()).Elem()
		d.item(tree.Join(path, entry.Key), entry, item, &field{})
		table.SetMapIndex(reflect.ValueOf(entry.Key), item)
	}
	v.Set(table)
}

// item reads an item of a list or map; it has the tags of the whole.
func (d *decoder) item(path string, entry tree.Entry, v reflect.Value, f *field) {
	applyDefaults(v)
	item := *f
	item.typ = v.Type()
	d.value(path, entry, v, &item)
}

// scalar reads one value. Anything written is a text to a string, so that an id
// may look like a number.
func (d *decoder) scalar(path string, n *tree.Node, v reflect.Value, f *field) {
	form := formOf(f.typ)
	switch {
	case n.Kind == tree.Map || n.Kind == tree.List:
		d.mismatch(path, n, formName(f.typ))
	case form == formUnit:
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Text)); err != nil {
			d.faults.Add(n.Pos, path, err.Error())
		}
	case form == formBool && (n.Kind == tree.Bool || n.Loose):
		d.boolean(path, n, v)
	case form == formInt && (n.Kind == tree.Int || n.Loose):
		d.integer(path, n, v)
	case form == formText && f.isPath:
		v.SetString(d.resolve(n.Text))
	case form == formText:
		v.SetString(n.Text)
	default:
		d.mismatch(path, n, formName(f.typ))
	}
}

func (d *decoder) boolean(path string, n *tree.Node, v reflect.Value) {
	switch strings.ToLower(n.Text) {
	case "true":
		v.SetBool(true)
	case "false":
		v.SetBool(false)
	default:
		d.mismatch(path, n, "true or false")
	}
}

func (d *decoder) integer(path string, n *tree.Node, v reflect.Value) {
	if number, err := n.Int(); err == nil && !v.OverflowInt(number) {
		v.SetInt(number)
	} else {
		d.mismatch(path, n, "a whole number")
	}
}

// mismatch reports a value of the wrong form.
func (d *decoder) mismatch(path string, n *tree.Node, want string) {
	got := n.Kind.String()
	switch {
	case n.Quotable() && n.Kind == tree.String:
		got = fmt.Sprintf("the text %q", n.Text)
	case n.Quotable():
		got = n.Text
	}
	d.faults.Add(n.Pos, path, "wants "+want+", not "+got)
}

func formName(t reflect.Type) string {
	switch formOf(t) {
	case formBool:
		return "true or false"
	case formInt:
		return "a whole number"
	case formUnit:
		return unitName(t)
	case formText:
		return "a text"
	case formList:
		return "a list"
	}
	return "a map of keys"
}

func unitName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return "a duration such as 90s"
	case reflect.TypeFor[Size]():
		return "a size such as 64MiB"
	case reflect.TypeFor[Rate]():
		return "a rate such as 500/s"
	}
	return "a text"
}

// resolve makes a path relative to the configuration file's directory.
func (d *decoder) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) || d.dir == "" {
		return path
	}
	return filepath.Join(d.dir, path)
}

// resolveFiles does so for the keys of a plugin's options that end in _file.
func (d *decoder) resolveFiles(n *tree.Node) {
	for _, item := range n.Items {
		d.resolveFiles(item)
	}
	for i := range n.Entries {
		value := n.Entries[i].Value
		if value.Kind == tree.String && strings.HasSuffix(n.Entries[i].Key, "_file") {
			value.Text = d.resolve(value.Text)
		}
		d.resolveFiles(value)
	}
}

// wrapSingles puts brackets around the items that stand for a list of one, so
// that all that follows sees a list.
func wrapSingles(section reflect.Type, n *tree.Node) {
	for _, f := range fieldsOf(section) {
		value := n.Get(f.key)
		switch {
		case value == nil:
		case f.single && value.Kind == tree.Map:
			whole := *value
			*value = tree.Node{Kind: tree.List, Pos: whole.Pos, Items: []*tree.Node{&whole}}
		case formOf(f.typ) == formSection:
			wrapSingles(sectionOf(f.typ), value)
		}
	}
}

// applyDefaults gives a section and the sections in it their defaults.
func applyDefaults(v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	if section, ok := v.Addr().Interface().(defaulter); ok {
		section.setDefaults()
	}
	for _, f := range fieldsOf(v.Type()) {
		if f.typ.Kind() != reflect.Struct {
			continue
		}
		if section, ok := v.Field(f.index).Addr().Interface().(defaulter); ok {
			section.setDefaults()
		}
	}
}
