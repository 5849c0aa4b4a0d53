package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushcore/pushcore/sdk"
)

// letterOf makes a letter at an instance of some: header names and values take turns.
func letterOf(at *letterBox, key, body string, headers ...string) *letter {
	from := sdk.Letter{Place: "graves/0/1", Record: sdk.Record{Body: []byte(body)}}
	if key != "" {
		from.Record.Key = []byte(key)
	}
	for i := 0; i < len(headers); i += 2 {
		from.Record.Headers = append(from.Record.Headers, sdk.Header{Name: headers[i], Value: []byte(headers[i+1])})
	}
	return readLetter(at, &from)
}

// fewBoxes are instances: raw, with a default_to; lines of JSON; one without an input.
func fewBoxes() map[string]*letterBox {
	all := map[string]*letterBox{}
	all["raw"] = &letterBox{name: "raw", input: &sdk.InputOptions{DefaultTo: "user:{key},device:{key}/d"}, all: all}
	all["lines"] = &letterBox{name: "lines", input: &sdk.InputOptions{Format: "json", DefaultTo: "user:{key}"}, all: all}
	all["out"] = &letterBox{name: "out", all: all}
	return all
}

func TestRecordsMadeOfLetters(t *testing.T) {
	const dead = "push-dead-source"
	for _, c := range []struct {
		name, at, key, body string
		headers             []string
		sameID              bool
		want                string // instance, source, headers; NEW stands for a new id
	}{
		{"a record", "raw", "k", "x", []string{dead, "raw/push/3/17", "push-dead-reason", "id_conflict", "push-to", "user:a", "push-id", "m", "X-Own", "1"}, false,
			"raw push/3 push-to=user:a X-Own=1 push-id=NEW"},
		{"one receiver", "raw", "k", "x", []string{dead, "raw/push/3/17", "Push-Dead-To", "device:a/d", "Push-To", "group:g", "push-except", "user:b"}, false,
			"raw push/3 push-except=user:b push-to=device:a/d push-id=NEW"},
		{"the same id", "raw", "k", "x", []string{dead, "raw/q/1", "push-to", "user:a", "push-id", "m"}, true, "raw q push-to=user:a push-id=m"},
		{"a control record", "raw", "k", "", []string{dead, "raw/q/1", "push-op", "withdraw", "push-to", "x", "push-id", "target"}, false,
			"raw q push-op=withdraw push-to=x push-id=target"},
		{"no receivers", "raw", "a/b", "x", []string{dead, "raw/q/1"}, false, "raw q push-to=user:a/b,device:a%2Fb/d push-id=NEW"},
		{"no receivers, no key", "raw", "", "x", []string{dead, "raw/q/1"}, false, "its key"},
		{"a line", "raw", "k", `{"to":["user:a"],"id":"m"}`, []string{dead, "lines/l/0/1"}, false, "lines l/0 push-id=NEW"},
		{"a line without receivers", "raw", "k", `{"id":"m"}`, []string{dead, "lines/l/0/1"}, false, "lines l/0 push-to=user:k push-id=NEW"},
		{"a control line", "raw", "k", `{"op":"withdraw","to":"x","id":"m"}`, []string{dead, "lines/l/0/1"}, false, "lines l/0"},
		{"a broken line", "raw", "k", `{"to":`, []string{dead, "lines/l/0/1"}, false, "lines l/0 push-id=NEW"},
		{"by HTTP", "raw", "", "x", []string{dead, "http/api/5", "push-to", "user:a"}, false, "raw  push-to=user:a push-id=NEW"},
		{"by HTTP, kept by lines", "lines", "", "x", []string{dead, "http/api/5", "push-to", "user:a"}, false, "lines of JSON"},
		{"by HTTP, kept without an input", "out", "", "x", []string{dead, "http/api/5", "push-to", "user:a"}, false, "no input"},
		{"kept elsewhere", "out", "k", "x", []string{dead, "raw/q/1", "push-to", "user:a"}, false, "raw q push-to=user:a push-id=NEW"},
		{"somebody else's", "raw", "k", "x", []string{"push-to", "user:a"}, false, "raw  push-to=user:a push-id=NEW"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := letterOf(fewBoxes()[c.at], c.key, c.body, c.headers...)
			r := &replayer{sameID: c.sameID}
			v, err := r.revive(l)
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				return
			}
			got := v.input.name + " " + v.record.Source
			for _, h := range v.record.Headers {
				got += " " + h.Name + "=" + strings.Replace(string(h.Value), v.newID, "NEW", 1)
			}
			if c.sameID || strings.Contains(c.name, "control") {
				got = strings.ReplaceAll(got, "NEW", v.newID)
			}
			if got != c.want || string(v.record.Body) != c.body {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestNewIDsAreTheLettersOwn(t *testing.T) {
	box := fewBoxes()["raw"]
	var ids []string
	for _, l := range []*letter{
		letterOf(box, "k", "x", "push-to", "user:a", "push-dead-at", "1"), letterOf(box, "k", "y", "push-to", "user:a", "push-dead-at", "1"),
		letterOf(box, "j", "x", "push-to", "user:a", "push-dead-at", "1"), letterOf(box, "k", "x", "push-to", "user:a", "push-dead-at", "2"),
		letterOf(box, "k", "x", "push-to", "user:a", "push-dead-at", "1"),
	} {
		v, err := (&replayer{}).revive(l)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, v.newID)
	}
	if ids[0] != ids[4] || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 4 {
		t.Errorf("the ids are %s", fmt.Sprint(ids))
	}
	v, err := (&replayer{salt: "from the start"}).revive(letterOf(box, "k", "x", "push-to", "user:a", "push-dead-at", "1"))
	if err != nil || v.newID == ids[0] {
		t.Errorf("replayed again it has the id %s (%v), as before", v.newID, err)
	}
}
