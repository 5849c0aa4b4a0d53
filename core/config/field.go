package config

import (
	"encoding"
	"reflect"
	"strings"

	"github.com/pushcore/pushcore/core/config/internal/tree"
)

// field is one key of a section, read from the struct's field and its tags.
type field struct {
	key      string
	index    int
	typ      reflect.Type
	min, max string
	oneOf    []string
	needed   bool // must be written
	isPath   bool
	single   bool // a list that may be written as its one item
}

// fieldsOf lists the keys of a section in their order.
func fieldsOf(section reflect.Type) []field {
	var all []field
	for i := range section.NumField() {
		f := section.Field(i)
		key, ok := f.Tag.Lookup("key")
		if !ok || key == "-" {
			continue
		}
		all = append(all, field{
			key:    key,
			index:  i,
			typ:    f.Type,
			min:    f.Tag.Get("min"),
			max:    f.Tag.Get("max"),
			oneOf:  strings.Fields(f.Tag.Get("oneof")),
			needed: f.Tag.Get("need") != "",
			isPath: f.Tag.Get("path") != "",
			single: f.Tag.Get("list") == "one",
		})
	}
	return all
}

func findField(fields []field, key string) *field {
	for i := range fields {
		if fields[i].key == key {
			return &fields[i]
		}
	}
	return nil
}

func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i := range fields {
		keys[i] = fields[i].key
	}
	return keys
}

var (
	pluginsType = reflect.TypeFor[[]Plugin]()
	optionsType = reflect.TypeFor[Options]()
	configType  = reflect.TypeFor[Config]()
)

// form is how a type is written.
type form uint8

const (
	formText form = iota // a string
	formBool
	formInt
	formUnit // Duration, Size, Rate, Secret: read from text
	formSection
	formList
	formMap
	formPlugins
	formOptions
)

// formOf is the form of a type; a pointer has that of what it points to.
func formOf(t reflect.Type) form {
	switch {
	case t == pluginsType:
		return formPlugins
	case t == optionsType:
		return formOptions
	case t.Kind() == reflect.Pointer:
		return formOf(t.Elem())
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return formUnit
	}
	switch t.Kind() {
	case reflect.Struct:
		return formSection
	case reflect.Slice:
		return formList
	case reflect.Map:
		return formMap
	case reflect.Bool:
		return formBool
	case reflect.Int:
		return formInt
	}
	return formText
}

// isScalar says whether one value is written.
func (f form) isScalar() bool { return f <= formUnit }

// sectionOf is the struct that stands behind a type: its own, or that of the
// items; nil if there is none.
func sectionOf(t reflect.Type) reflect.Type {
	switch {
	case t == pluginsType:
		return t.Elem()
	case t.Kind() == reflect.Pointer:
		return sectionOf(t.Elem())
	case formOf(t) == formSection:
		return t
	case formOf(t) == formList || formOf(t) == formMap:
		return sectionOf(t.Elem())
	}
	return nil
}

// wants says what a variable of the environment may put at a path.
func wants(path []string) tree.Want {
	t := configType
	for _, step := range path {
		switch formOf(t) {
		case formPlugins:
			t = t.Elem()
		case formList:
			t = t.Elem()
		case formSection:
			f := findField(fieldsOf(sectionOf(t)), step)
			if f == nil {
				return tree.WantScalar
			}
			t = f.typ
		case formMap:
			t = t.Elem()
		case formOptions:
			return tree.WantAny
		default:
			return tree.WantScalar
		}
	}
	switch form := formOf(t); {
	case form == formOptions:
		return tree.WantAny
	case form.isScalar():
		return tree.WantScalar
	}
	return tree.WantComposite
}
