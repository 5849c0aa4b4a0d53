package options

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/nearest"
	"github.com/pushcore/pushcore/sdk/wire"
)

// CheckInput returns the faults of the options that every input has; pointer is
// the input's.
func CheckInput(pointer string, in *sdk.InputOptions) []sdk.OptionError {
	var d decoder
	if in.Format != "" {
		d.faults = append(d.faults, OneOf(pointer+"/format", in.Format, "raw", "json")...)
	}
	for i, allowed := range in.Allow {
		d.faults = append(d.faults, OneOf(fmt.Sprintf("%s/allow/%d", pointer, i), allowed, "push", "control")...)
	}
	if in.DefaultTo != "" {
		// A key can stand wherever an id can.
		list, err := wire.ParseList(strings.ReplaceAll(in.DefaultTo, "{key}", "key"))
		if err != nil {
			d.fault(pointer+"/default_to", "%s", err)
		} else if len(list) == 0 {
			d.fault(pointer+"/default_to", "names nobody")
		}
	}
	for _, bound := range []struct {
		name  string
		value int64
	}{
		{"/max_open/records", in.MaxOpen.Records}, {"/max_open/pairs", in.MaxOpen.Pairs},
		{"/max_open/bytes", int64(in.MaxOpen.Bytes)}, {"/max_span", in.MaxSpan},
	} {
		if bound.value < 0 {
			d.fault(pointer+bound.name, "is below 0")
		}
	}
	return d.faults
}

// OneOf says at pointer that value is none of known, with the nearest of them.
func OneOf(pointer, value string, known ...string) []sdk.OptionError {
	if slices.Contains(known, value) {
		return nil
	}
	message := fmt.Sprintf("%q is not one of %s", value, strings.Join(known, ", "))
	if near := nearest.Name(value, known); near != "" {
		message = fmt.Sprintf("%q is unknown; did you mean %s?", value, near)
	}
	return []sdk.OptionError{{Pointer: pointer, Message: message}}
}

// Lists names at pointer what is wrong with a list of names: none, an empty one,
// the same twice.
func Lists(pointer, noun string, list []string) []sdk.OptionError {
	var d decoder
	if len(list) == 0 {
		d.fault(pointer, "names no %s", noun)
	}
	for i, name := range list {
		at := fmt.Sprintf("%s/%d", pointer, i)
		switch {
		case name == "":
			d.fault(at, "is empty")
		case slices.Contains(list[:i], name):
			d.fault(at, "%s stands here twice", name)
		}
	}
	return d.faults
}
