package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// revived is a letter on its way to an input.
type revived struct {
	letter *letter
	input  *letterBox // nil: there is none for it
	record sdk.InputRecord
	newID  string
}

// revive makes a record of a letter again: without push-dead-*, for the receiver of
// push-dead-to if it has one, under a new id.
func (r *replayer) revive(l *letter) (*revived, error) {
	v := &revived{letter: l}
	if err := v.address(); err != nil {
		return v, err
	}
	v.record.Key, v.record.Body = l.Record.Key, l.Record.Body
	control := l.option("op") != ""
	for _, h := range l.Record.Headers {
		name := strings.ToLower(h.Name)
		switch {
		case strings.HasPrefix(name, deadPrefix):
		case name == headerPrefix+"to" && l.to != "":
		case name == headerPrefix+"id" && !r.sameID && !control:
		default:
			v.record.Headers = append(v.record.Headers, h)
		}
	}
	to := l.to
	if to == "" {
		var err error
		if to, err = v.defaultTo(); err != nil {
			return v, err
		}
	}
	if to != "" {
		v.add("to", to)
	}
	v.newID = l.id
	// push-id of a control record names its target; it has no part in dedupe.
	if !r.sameID && !control {
		sum := l.digest(r.salt)
		v.newID = "replay-" + hex.EncodeToString(sum[:16])
		v.add("id", v.newID)
	}
	return v, nil
}

func (v *revived) add(name, value string) {
	v.record.Headers = append(v.record.Headers, sdk.Header{Name: headerPrefix + name, Value: []byte(value)})
}

// address finds the input: that of the instance that the record came from, else
// that of the one that keeps the letter.
func (v *revived) address() error {
	l := v.letter
	instance, source := l.origin()
	v.input = l.box.all[instance]
	if v.input == nil || v.input.input == nil {
		if v.input, source = l.box, ""; v.input.input == nil {
			v.input = nil
			return fmt.Errorf("there is no input to write it to: it came from %q, and %s, which keeps it, has none", l.source, l.box.name)
		}
		if v.input.input.Format == "json" {
			return fmt.Errorf("it came from %q, and the input of %s, which keeps it, takes lines of JSON only", l.source, l.box.name)
		}
	}
	v.record.Source = source
	return nil
}

// keyPlace stands for the record's key in default_to.
const keyPlace = "{key}"

// defaultTo fills the record's key into the input's default_to, for records that
// name no receivers: not every broker gives the record the same key again.
func (v *revived) defaultTo() (string, error) {
	l, list := v.letter, v.input.input.DefaultTo
	if !strings.Contains(list, keyPlace) || l.option("to") != "" || l.isLine() && l.line == nil {
		return "", nil
	}
	if len(l.Record.Key) == 0 {
		return "", errors.New("it names no receivers, and its key, which default_to asks for, is not known")
	}
	addresses, err := wire.ParseList(list)
	if err != nil {
		return "", err
	}
	var to []string
	for _, a := range addresses {
		a.ID = strings.ReplaceAll(a.ID, keyPlace, string(l.Record.Key))
		a.Device = strings.ReplaceAll(a.Device, keyPlace, string(l.Record.Key))
		to = append(to, a.String())
	}
	return strings.Join(to, ","), nil
}

// option is what the dead record says by a header or, in a line, by a key; empty
// if it says nothing.
func (l *letter) option(name string) string {
	i := slices.IndexFunc(l.Record.Headers, func(h sdk.Header) bool { return strings.EqualFold(h.Name, headerPrefix+name) })
	if i >= 0 {
		return string(l.Record.Headers[i].Value)
	}
	value := l.line[name]
	if len(value) == 0 || string(value) == "null" {
		return ""
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	return text
}
