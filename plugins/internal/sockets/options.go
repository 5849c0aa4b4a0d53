package sockets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/nearest"
)

// Addresses is an option that is one address or a list of them.
type Addresses []string

// UnmarshalJSON takes a string or a list of strings.
func (a *Addresses) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var one string
		err := json.Unmarshal(b, &one)
		*a = Addresses{one}
		return err
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// Options are what tcp and ws have in common; each embeds them in its own.
type Options struct {
	Listen   Addresses       `json:"listen"`
	MaxFrame sdk.Size        `json:"max_frame,omitempty"`
	TLS      json.RawMessage `json:"tls,omitempty"`
}

// Decode reads options into o, a pointer to a struct whose JSON keys are known,
// and reports unknown keys and wrong types with their pointers.
func Decode(options []byte, o any, known []string) []sdk.OptionError {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(options, &keys); err != nil {
		return []sdk.OptionError{{Message: "the options are an object"}}
	}
	var errs []sdk.OptionError
	for key := range keys {
		if !slices.Contains(known, key) {
			errs = append(errs, sdk.OptionError{Pointer: "/" + key, Message: unknown(key, known)})
			delete(keys, key)
		}
	}
	slices.SortFunc(errs, func(a, b sdk.OptionError) int { return strings.Compare(a.Pointer, b.Pointer) })
	for _, key := range known {
		if raw, ok := keys[key]; ok {
			if err := decodeOne(key, raw, o); err != nil {
				errs = append(errs, sdk.OptionError{Pointer: "/" + key, Message: err.Error()})
			}
		}
	}
	return errs
}

func unknown(key string, known []string) string {
	if n := nearest.Name(key, known); n != "" {
		return fmt.Sprintf("unknown key; did you mean %s?", n)
	}
	return "unknown key; known ones are " + strings.Join(known, ", ")
}

func decodeOne(key string, raw json.RawMessage, o any) error {
	one, err := json.Marshal(map[string]json.RawMessage{key: raw})
	if err != nil {
		return err
	}
	err = json.NewDecoder(bytes.NewReader(one)).Decode(o)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s does not go here; wanted is %s", wrong.Value, kindOf(wrong.Type.Kind().String()))
	}
	return err
}

func kindOf(goKind string) string {
	switch goKind {
	case "slice":
		return "a list"
	case "string":
		return "a text"
	default:
		return goKind
	}
}

// Check reports what is wrong with the common options.
func (o *Options) Check() []sdk.OptionError {
	var errs []sdk.OptionError
	if len(o.Listen) == 0 {
		errs = append(errs, sdk.OptionError{Pointer: "/listen", Message: errNoAddress.Error()})
	}
	for i, address := range o.Listen {
		if err := CheckListen(address); err != nil {
			errs = append(errs, sdk.OptionError{Pointer: o.listenPointer(i), Message: err.Error()})
		}
	}
	if o.MaxFrame != 0 && (o.MaxFrame < frameLeast || o.MaxFrame > frameMost) {
		errs = append(errs, sdk.OptionError{Pointer: "/max_frame", Message: "is from 4KiB to 64MiB"})
	}
	if len(o.TLS) > 0 {
		errs = append(errs, sdk.OptionError{Pointer: "/tls", Message: "not in this version: put a proxy that ends TLS in front"})
	}
	return errs
}

// listenPointer points at an address, which may stand alone instead of in a list.
func (o *Options) listenPointer(i int) string {
	if len(o.Listen) == 1 {
		return "/listen"
	}
	return fmt.Sprintf("/listen/%d", i)
}

// Bounds of max_frame.
const (
	frameLeast = 4 << 10
	frameMost  = 64 << 20
)
