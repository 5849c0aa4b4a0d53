package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the hex lines in testdata from the json lines")

// vector is a block of "key: value" lines in a file of testdata.
type vector struct {
	file   string
	line   int
	fields map[string]string
}

func (v vector) bytes(t testing.TB, key string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(v.fields[key], " ", ""))
	if err != nil {
		t.Fatalf("%s:%d: %s: %v", v.file, v.line, key, err)
	}
	return b
}

func readVectors(t testing.TB, file string) []vector {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	for i, line := range strings.Split(string(text), "\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok || line[0] == '#' {
			continue
		}
		if key == "name" {
			vectors = append(vectors, vector{file: file, line: i + 1, fields: map[string]string{}})
		}
		vectors[len(vectors)-1].fields[key] = strings.TrimSpace(value)
	}
	return vectors
}

// frameVectors returns the vectors of the files that are named after frames.
func frameVectors(t testing.TB) []vector {
	var all []vector
	for _, name := range typeNames[1:] {
		all = append(all, readVectors(t, filepath.Join("testdata", name+".txt"))...)
	}
	return all
}

func TestFramesAgreeWithTheVectors(t *testing.T) {
	if *rewrite {
		rewriteVectors(t)
	}
	for _, v := range frameVectors(t) {
		name := v.file + ": " + v.fields["name"]
		binary, text := v.bytes(t, "hex"), []byte(v.fields["json"])
		kind, err := TypeOfJSON(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		fromJSON, fromBinary := New(kind), New(kind)
		if err := fromJSON.ParseJSON(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := fromBinary.Parse(binary); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(fromJSON, fromBinary) {
			t.Errorf("%s: the forms differ:\n%#v\n%#v", name, fromJSON, fromBinary)
		}
		if got := fromJSON.Append(nil); !bytes.Equal(got, binary) {
			t.Errorf("%s:\n got % x\nwant % x", name, got, binary)
		}
		if got := fromBinary.AppendJSON(nil); !bytes.Equal(got, text) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, text)
		}
		if !json.Valid(text) {
			t.Errorf("%s: not JSON", name)
		}
	}
}

// rewriteVectors fills the hex lines; what changes shows in the diff.
func rewriteVectors(t *testing.T) {
	for _, name := range typeNames[1:] {
		file := filepath.Join("testdata", name+".txt")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		frame := New(typeNamed([]byte(name)))
		for i, line := range lines {
			if source, ok := strings.CutPrefix(line, "json:"); ok {
				if err := frame.ParseJSON([]byte(source)); err != nil {
					t.Fatalf("%s:%d: %v", file, i+1, err)
				}
			}
			if strings.HasPrefix(line, "hex:") {
				lines[i] = "hex:  " + hex.EncodeToString(frame.Append(nil))
			}
		}
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
