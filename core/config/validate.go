package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/core/config/internal/tree"
	"github.com/pushcore/pushcore/sdk/nearest"
)

// Validate checks a configuration that was made or changed by a program; Load
// has done so for what it returns. It sets Warnings.
func (c *Config) Validate() error { return c.check(nil, nil) }

// check checks all that could be read, known being the faults of what could
// not and misspelled the sections with unknown keys.
func (c *Config) check(known Errors, misspelled map[string]bool) error {
	at := c.checks()
	at.faults, at.misspelled = known, misspelled
	at.checkSection(reflect.ValueOf(c).Elem())
	_ = at.warnings.Sorted() // It sorts them in place; warnings are no error.
	c.Warnings = at.warnings
	return at.faults.Sorted()
}

// checkSection checks the bounds of every key, then the section's own rules.
func (at place) checkSection(v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		here, value := at.key(f.key), v.Field(f.index)
		if f.needed && (value.IsZero() || f.typ.Kind() == reflect.Slice && value.Len() == 0) {
			here.missing(oneOfHint(&f))
		} else {
			here.checkValue(value, &f)
		}
	}
	if section, ok := v.Addr().Interface().(validator); ok && !at.hasFault() {
		section.validate(at)
	}
}

func (at place) checkValue(v reflect.Value, f *field) {
	switch formOf(v.Type()) {
	case formSection:
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return
		}
		at.checkSection(reflect.Indirect(v))
	case formList:
		for i := range v.Len() {
			at.item(i).checkValue(v.Index(i), f)
		}
	case formMap:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.MapIndex(key))
			at.key(key.String()).checkValue(item, f)
		}
	case formPlugins:
		at.checkInstances(v.Interface().([]Plugin))
	case formInt, formUnit:
		at.bounds(v, f)
	case formText:
		at.choice(v.String(), f.oneOf)
	}
}

func (at place) choice(got string, known []string) {
	if len(known) == 0 || slices.Contains(known, got) {
		return
	}
	if near := nearest.Name(got, known); near != "" {
		at.fail("%q is not one of %s (did you mean %s?)", got, strings.Join(known, ", "), near)
	} else {
		at.fail("%q is not one of %s", got, strings.Join(known, ", "))
	}
}

func oneOfHint(f *field) string {
	if len(f.oneOf) == 0 {
		return ""
	}
	return ": " + strings.Join(f.oneOf, ", ")
}

func (at place) bounds(v reflect.Value, f *field) {
	if f.min != "" && number(v) < boundary(v.Type(), f.min) {
		at.fail("must be at least %s, is %s", f.min, fmt.Sprint(v.Interface()))
	}
	if f.max != "" && number(v) > boundary(v.Type(), f.max) {
		at.fail("must be at most %s, is %s", f.max, fmt.Sprint(v.Interface()))
	}
}

// number makes values comparable; all bounds are far below 2^53.
func number(v reflect.Value) float64 {
	if v.CanFloat() {
		return v.Float()
	}
	return float64(v.Int())
}

// boundary reads a min or max tag.
func boundary(t reflect.Type, text string) float64 {
	var d decoder
	v := reflect.New(t).Elem()
	kind := tree.Int
	if formOf(t) == formUnit {
		kind = tree.String
	}
	d.scalar("", &tree.Node{Kind: kind, Text: text}, v, &field{typ: t})
	if len(d.faults) > 0 {
		panic("config: bad bound in a tag: " + d.faults.Error())
	}
	return number(v)
}
