package driver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/pushcore/pushcore/sdk/nearest"
)

// fields says what an event or command needs and may have besides its name.
type fields struct{ needs, may []string }

// events are all that a driver may say.
var events = map[string]fields{
	"ready":       {[]string{"protocol"}, []string{"lacks", "contiguous"}},
	"done":        {[]string{"n"}, nil},
	"failed":      {[]string{"n", "error"}, nil},
	"unsupported": {[]string{"n"}, nil},

	"opened":    {[]string{"conn"}, []string{"resumed", "token", "token_base64", "epoch"}},
	"rejected":  {[]string{"conn"}, []string{"code", "text"}},
	"message":   {[]string{"conn"}, []string{"seq", "id", "name", "payload", "payload_base64"}},
	"sent":      {[]string{"conn"}, []string{"id", "code", "text", "retryable"}},
	"joined":    {[]string{"conn", "group"}, []string{"code", "text", "position", "gap"}},
	"refreshed": {[]string{"conn"}, []string{"code", "text"}},
	"moved":     {[]string{"conn"}, []string{"text"}},
	"closed":    {[]string{"conn"}, []string{"code", "text"}},

	"placed":    {[]string{"n", "options", "sources"}, nil},
	"waiting":   {[]string{"n", "count"}, nil},
	"published": {[]string{"n", "records"}, nil},
}

// parseEvent reads a line of a driver, strictly: what is not known is an error.
func parseEvent(line []byte) (event, error) {
	var e event
	var given map[string]json.RawMessage
	if err := json.Unmarshal(line, &given); err != nil {
		return e, fmt.Errorf("not a JSON object: %w", err)
	}
	if err := strictly(line, &e); err != nil {
		return e, err
	}
	known, ok := events[e.Event]
	if !ok {
		return e, unknown("event", e.Event, keys(events))
	}
	for _, name := range known.needs {
		if _, ok := given[name]; !ok {
			return e, fmt.Errorf("event %q needs %q", e.Event, name)
		}
	}
	for _, name := range keys(given) {
		if string(given[name]) == "null" {
			return e, fmt.Errorf("%q is null", name)
		}
		if name != "event" && !slices.Contains(known.needs, name) && !slices.Contains(known.may, name) {
			return e, fmt.Errorf("event %q has no field %q", e.Event, name)
		}
	}
	return e, nil
}

func unknown(what, name string, known []string) error {
	if near := nearest.Name(name, known); near != "" {
		return fmt.Errorf("unknown %s %q, did you mean %q?", what, name, near)
	}
	return fmt.Errorf("unknown %s %q", what, name)
}

// strictly decodes one object, all of whose fields are known.
func strictly(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

func keys[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// encode makes a line of a command or event.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	if b.Len() > lineMax {
		return nil, fmt.Errorf("the line would have %d bytes, at most %d are allowed", b.Len(), lineMax)
	}
	return b.Bytes(), nil
}
