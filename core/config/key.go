package config

import (
	"fmt"
	"reflect"
	"strings"
)

// key is one key as it is documented.
type key struct {
	field
	path    string // such as auth.jwt[].issuer, plugins.NAME.use
	doc     string
	example string        // YAML, or ""
	value   reflect.Value // the default, of the field's type
	keys    []key         // of a section, or of the items of a list or map
}

// allKeys describes the whole tree with its defaults.
func allKeys() []key {
	defaults := reflect.New(configType).Elem()
	applyDefaults(defaults)
	return sectionKeys("", defaults)
}

func sectionKeys(path string, section reflect.Value) []key {
	fields := fieldsOf(section.Type())
	keys := make([]key, 0, len(fields))
	for _, f := range fields {
		k := key{field: f, path: f.key, value: section.Field(f.index)}
		if path != "" {
			k.path = path + "." + f.key
		}
		name := section.Type().Name() + "." + section.Type().Field(f.index).Name
		k.doc, k.example = splitExample(keyComments[name])
		if inner := sectionOf(f.typ); inner != nil {
			k.keys = sectionKeys(k.path+itemSuffix(f.typ), innerDefaults(k.value, inner))
		}
		keys = append(keys, k)
	}
	return keys
}

// innerDefaults is the section behind a value: itself, or what an item or an
// absent section would begin with.
func innerDefaults(v reflect.Value, section reflect.Type) reflect.Value {
	if v.Type() == section {
		return v
	}
	item := reflect.New(section).Elem()
	applyDefaults(item)
	return item
}

// itemSuffix is what stands between the path of a key and those of its items.
func itemSuffix(t reflect.Type) string {
	switch formOf(t) {
	case formList:
		return "[]"
	case formMap, formPlugins:
		return ".NAME"
	}
	return ""
}

// splitExample takes the indented block at the end of a comment as its example
// and joins the lines of the paragraphs before it.
func splitExample(comment string) (doc, example string) {
	var block []string
	var paragraphs []string
	for line := range strings.SplitSeq(comment, "\n") {
		switch {
		case strings.HasPrefix(line, "\t"):
			block = append(block, line[1:])
		case line == "":
		default:
			paragraphs = append(paragraphs, line)
		}
	}
	return strings.Join(paragraphs, " "), strings.Join(block, "\n")
}

// kind says what is written at a key, for people.
func (k *key) kind() string {
	switch formOf(k.typ) {
	case formList:
		item := key{field: field{typ: k.typ.Elem(), oneOf: k.oneOf, min: k.min, max: k.max}}
		if k.single {
			return "one or a list"
		}
		if len(k.keys) > 0 {
			return "list"
		}
		return "list of: " + item.kind()
	case formMap, formPlugins:
		return "map by name"
	case formSection, formOptions:
		return "map"
	case formBool:
		return "true or false"
	}
	if len(k.oneOf) > 0 {
		return strings.Join(k.oneOf, ", ")
	}
	name := map[string]string{"int": "number", "string": "text"}[k.typ.Name()]
	if k.isPath {
		name = "path"
	}
	if name == "" {
		name = strings.ToLower(k.typ.Name())
	}
	return name + k.bounds()
}

// required is ", required" or nothing.
func (k *key) required() string {
	if k.needed {
		return ", required"
	}
	return ""
}

func (k *key) bounds() string {
	if k.min == "" && k.max == "" {
		return ""
	}
	return ", " + k.min + " to " + k.max
}

// defaultText is the default as it would be written, "" if there is none.
func (k *key) defaultText() string {
	switch form := formOf(k.typ); {
	case form == formList && k.value.Len() > 0:
		return flowList(k.value)
	case !form.isScalar() || form == formText && k.value.String() == "":
		return ""
	case form == formUnit && k.value.Type() == reflect.TypeFor[Secret]():
		return ""
	}
	return fmt.Sprint(k.value.Interface())
}

// flowList writes a list of scalars in one line.
func flowList(list reflect.Value) string {
	items := make([]string, list.Len())
	for i := range items {
		items[i] = quoteYAML(fmt.Sprint(list.Index(i).Interface()))
	}
	return "[" + strings.Join(items, ", ") + "]"
}
