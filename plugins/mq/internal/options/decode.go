package options

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/nearest"
)

// Decode reads options into the struct that target points to, by its json tags,
// and returns all faults: unknown keys and values of the wrong kind. What is not
// at fault is decoded. Null counts as absent.
func Decode(options []byte, target any) []sdk.OptionError {
	if len(bytes.TrimSpace(options)) == 0 {
		options = []byte("{}")
	}
	var d decoder
	if !json.Valid(options) {
		d.fault("", "the options are no JSON")
		return d.faults
	}
	d.value("", options, reflect.ValueOf(target).Elem())
	return d.faults
}

type decoder struct{ faults []sdk.OptionError }

func (d *decoder) fault(pointer, format string, args ...any) {
	d.faults = append(d.faults, sdk.OptionError{Pointer: pointer, Message: fmt.Sprintf(format, args...)})
}

// value decodes one JSON value, which is valid JSON, into v.
func (d *decoder) value(pointer string, raw json.RawMessage, v reflect.Value) {
	raw = bytes.TrimSpace(raw)
	_, itself := v.Addr().Interface().(json.Unmarshaler)
	switch {
	case string(raw) == "null":
	case itself:
		d.leaf(pointer, raw, v)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(pointer, raw, v.Elem())
	case v.Kind() == reflect.Struct:
		d.object(pointer, raw, v)
	case v.Kind() == reflect.Slice:
		d.list(pointer, raw, v)
	default:
		d.leaf(pointer, raw, v)
	}
}

func (d *decoder) object(pointer string, raw json.RawMessage, v reflect.Value) {
	var keys map[string]json.RawMessage
	if raw[0] != '{' || json.Unmarshal(raw, &keys) != nil {
		d.fault(pointer, "is %s; an object with %s goes here", kindOf(raw), strings.Join(names(v.Type()), ", "))
		return
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		at := pointer + "/" + escape(key)
		field, ok := fieldOf(v, key)
		if !ok {
			d.fault(at, "%s", unknown(key, names(v.Type())))
			continue
		}
		d.value(at, keys[key], field)
	}
}

func (d *decoder) list(pointer string, raw json.RawMessage, v reflect.Value) {
	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		d.fault(pointer, "is %s; a list goes here", kindOf(raw))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		d.value(pointer+"/"+strconv.Itoa(i), item, v.Index(i))
	}
}

func (d *decoder) leaf(pointer string, raw json.RawMessage, v reflect.Value) {
	err := json.Unmarshal(raw, v.Addr().Interface())
	if err == nil {
		return
	}
	wanted := ""
	switch v.Kind() {
	case reflect.String:
		wanted = "a text"
	case reflect.Bool:
		wanted = "true or false"
	default:
		wanted = "a whole number"
	}
	if _, itself := v.Addr().Interface().(json.Unmarshaler); itself {
		d.fault(pointer, "%s", err) // Sizes and durations say themselves what they want.
		return
	}
	d.fault(pointer, "is %s; %s goes here", kindOf(raw), wanted)
}

// names lists the keys of a struct in the order of its fields, those of embedded
// structs among them.
func names(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			all = append(all, names(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, name)
	}
	return all
}

func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			if found, ok := fieldOf(v.Field(i), key); ok {
				return found, true
			}
			continue
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func unknown(key string, known []string) string {
	if near := nearest.Name(key, known); near != "" {
		return fmt.Sprintf("unknown key; did you mean %s?", near)
	}
	return "unknown key; known ones are " + strings.Join(known, ", ")
}

// kindOf names what stands in valid JSON.
func kindOf(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	default:
		return "the number " + string(raw)
	}
}

// escape writes a key as a token of a JSON pointer.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
