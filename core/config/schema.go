package config

import (
	"encoding/json"
	"io"
	"reflect"
)

// schemaNode is a part of a JSON Schema, in the order in which people read it.
type schemaNode struct {
	Schema      string        `json:"$schema,omitempty"`
	Title       string        `json:"title,omitempty"`
	Description string        `json:"description,omitempty"`
	Type        any           `json:"type,omitempty"` // a name or a list of them
	Enum        []string      `json:"enum,omitempty"`
	Pattern     string        `json:"pattern,omitempty"`
	Minimum     json.Number   `json:"minimum,omitempty"`
	Maximum     json.Number   `json:"maximum,omitempty"`
	Default     any           `json:"default,omitempty"`
	AnyOf       []*schemaNode `json:"anyOf,omitempty"`
	Items       *schemaNode   `json:"items,omitempty"`
	Properties  *schemaKeys   `json:"properties,omitempty"`
	Names       *schemaNode   `json:"propertyNames,omitempty"`
	Others      any           `json:"additionalProperties,omitempty"` // false, or the schema of every value
	Required    []string      `json:"required,omitempty"`
}

// schemaKeys are properties in their order.
type schemaKeys struct{ keys []key }

// WriteSchema writes a JSON Schema (2020-12) of the configuration, for editors.
// What it accepts may still be refused by Load, which knows more.
func WriteSchema(w io.Writer) error {
	root := sectionSchema(allKeys())
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "pushcore configuration"
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(root)
}

func sectionSchema(keys []key) *schemaNode {
	s := &schemaNode{Type: orNothing("object"), Properties: &schemaKeys{keys}, Others: false}
	for i := range keys {
		if keys[i].needed && keys[i].defaultText() == "" {
			s.Required = append(s.Required, keys[i].key)
		}
	}
	return s
}

// MarshalJSON keeps the order of the keys.
func (s *schemaKeys) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i := range s.keys {
		k := &s.keys[i]
		node := k.schema()
		node.Description = k.doc
		if k.defaultText() != "" {
			node.Default = k.value.Interface()
		}
		encoded, err := json.Marshal(node)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, quoteJSON(k.key)...), ':'), encoded...)
	}
	return append(out, '}'), nil
}

func (k *key) schema() *schemaNode {
	switch formOf(k.typ) {
	case formSection:
		return sectionSchema(k.keys)
	case formOptions:
		return &schemaNode{Type: orNothing("object")}
	case formPlugins:
		names := &schemaNode{Pattern: "^[a-z][a-z0-9_]*$"}
		return &schemaNode{Type: orNothing("object"), Names: names, Others: sectionSchema(k.keys)}
	case formMap:
		return &schemaNode{Type: orNothing("object"), Others: k.entrySchema()}
	case formList:
		return k.listSchema()
	}
	return k.scalarSchema()
}

// entrySchema is that of the values of a map by name.
func (k *key) entrySchema() *schemaNode {
	if len(k.keys) > 0 {
		return sectionSchema(k.keys)
	}
	return &schemaNode{Type: []string{"string", "number", "boolean"}} // All are texts to a string.
}

// orNothing takes a section whose keys are all commented out, too.
func orNothing(kind string) []string { return []string{kind, "null"} }

func (k *key) listSchema() *schemaNode {
	if len(k.keys) == 0 {
		item := key{field: k.field}
		item.typ = k.typ.Elem()
		return &schemaNode{Type: orNothing("array"), Items: item.scalarSchema()}
	}
	item := sectionSchema(k.keys)
	list := &schemaNode{Type: orNothing("array"), Items: item}
	if k.single {
		return &schemaNode{AnyOf: []*schemaNode{item, list}}
	}
	return list
}

// referencePattern matches a value that is replaced before it is read.
const referencePattern = `\$\{`

// The patterns of values with a unit; Load is stricter about the numbers.
var unitPatterns = map[reflect.Type]string{
	reflect.TypeFor[Duration](): `^(0|([0-9.]+(ns|us|µs|ms|s|m|h|d))+)$|` + referencePattern,
	reflect.TypeFor[Size]():     `^[0-9.]+(B|KiB|MiB|GiB|TiB)?$|` + referencePattern,
	reflect.TypeFor[Rate]():     `^(0|[0-9.]+/[smh])$|` + referencePattern,
}

// scalarSchema relies on this: a pattern is only about strings, a minimum only
// about numbers.
func (k *key) scalarSchema() *schemaNode {
	reference := &schemaNode{Type: "string", Pattern: referencePattern}
	switch form := formOf(k.typ); {
	case form == formBool:
		return &schemaNode{Type: []string{"boolean", "string"}, Pattern: referencePattern}
	case form == formInt:
		return &schemaNode{Type: []string{"integer", "string"}, Pattern: referencePattern,
			Minimum: json.Number(k.min), Maximum: json.Number(k.max)}
	case len(k.oneOf) > 0:
		return &schemaNode{AnyOf: []*schemaNode{{Enum: k.oneOf}, reference}}
	case k.typ == reflect.TypeFor[Size]():
		return &schemaNode{Type: []string{"string", "integer"}, Pattern: unitPatterns[k.typ], Minimum: "0"}
	case unitPatterns[k.typ] != "":
		return &schemaNode{Type: []string{"string", "integer"}, Pattern: unitPatterns[k.typ], Minimum: "0", Maximum: "0"}
	}
	return &schemaNode{Type: "string"}
}
