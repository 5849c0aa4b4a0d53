package tree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tricky holds what moves positions in parsers: other scripts, comments, line
// breaks of all kinds, blocks, escapes, documents and empty lines.
var tricky = map[string]string{
	"unicode":    "ü: é x\nk: {ä: ö, b: \"日本\", c: d}\n日本: [x, 'y y', z]\n",
	"comments":   "# head\n\na: 1 # one\n# between\nb:\n  # inside\n  c: x # y\n\n\n  d: [ # list\n    1, # first\n    2 ]\ne: 3\n",
	"crlf":       "a: 1\r\nb:\r\n  c: x\r\n  d: [y, z]\r\n# comment\r\ne: \"q\"\r\nf: |\r\n  text\r\ng: 2\r\n",
	"blocks":     "a: |\n  one\n  two\n\nb: >-\n  x\n  y\nc: 1\nd:\n  - |\n    z\n  - w\n",
	"multiline":  "a: x\n  y\n  z\nb: \"p\n  q\"\nc: 'r\n\n  s'\nd: 1\n",
	"escapes":    "a: \"\\\"x\\n\\u00e9\"\nb: 'it''s'\nc: {d: \"\\t\", e: 'f'}\ng: 1\n",
	"sequences":  "a:\n- b: 1\n  c: 2\n-\n  d: 3\n- - e\n  - f\n",
	"document":   "%YAML 1.2\n---\na: 1\nb: {c: 2}\n...\n",
	"bom":        "\ufeffa: 1\nb: 2\n",
	"deepFlow":   "a: {b: {c: [{d: e}, {f: [g, {h: i}]}]}}\n",
	"anchors":    "a: &x 1\nb: &y {c: d}\ne: [&z f, g]\n",
	"keys":       "\"a b\": 1\n'c': 2\n? d\n: 3\n7: x\ntrue: y\n",
	"blankLines": "\n\n\na: 1\n\n\n\nb:\n\n  c: 2\n",
	"spaces":     "a:    1\nb:   {   c:   x   ,   d:   y   }\n",
}

func TestPlacesPointAtWhatIsThere(t *testing.T) {
	sources := map[string]string{}
	for name, text := range tricky {
		sources[name] = text
	}
	paths, _ := filepath.Glob("../../testdata/load/*.txt")
	examples, _ := filepath.Glob("../../../../examples/*.yaml")
	for _, path := range append(paths, examples...) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(string(content), "-- ")
		sources[path] = text
	}
	for name, text := range sources {
		root, _ := Parse(name, []byte(text))
		if root == nil {
			continue
		}
		checkPlaces(t, text, "", root)
	}
}

func checkPlaces(t *testing.T, text, path string, n *Node) {
	t.Helper()
	if n.Kind == Map || n.Kind == List {
		for i := range n.Items {
			checkPlaces(t, text, Index(path, i), n.Items[i])
		}
		for i := range n.Entries {
			e := &n.Entries[i]
			checkPlace(t, text, e.Pos, Join(path, e.Key), "\"'"+firstOf(e.Key))
			checkPlaces(t, text, Join(path, e.Key), e.Value)
		}
		return
	}
	if n.Kind != Null {
		checkPlace(t, text, n.Pos, path, "\"'|>&*!"+firstOf(n.Text))
	}
}

func firstOf(text string) string {
	for _, r := range text {
		return string(r)
	}
	return ""
}

func checkPlace(t *testing.T, text string, pos Position, path, beginsWith string) {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
	if pos.Line < 1 || pos.Line > len(lines) {
		t.Errorf("%s: %s is no line", pos, path)
		return
	}
	line := []rune(lines[pos.Line-1])
	if pos.Column < 1 || pos.Column > len(line) || !strings.ContainsRune(beginsWith, line[pos.Column-1]) {
		t.Errorf("%s: %s is not there: %q", pos, path, string(line))
	}
}

func TestParseOfTrickyTexts(t *testing.T) {
	for name, text := range tricky {
		if _, faults := Parse(name, []byte(text)); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

func TestWhatIsTooMuchIsRefused(t *testing.T) {
	tests := map[string]string{
		strings.Repeat("[", 200_000):                         "f:1:65: nested more than 64 deep",
		strings.Repeat("- ", 200_000):                        "f:1:129: nested more than 64 deep",
		"a: " + strings.Repeat("x", 1<<20):                   "f: longer than 1 MiB: this is no configuration",
		"ü: 1\nb: é\xff":                                     "f:2:5: not valid UTF-8",
		"a: &a [1,1,1,1,1,1,1,1,1,1]\n" + aliases("bcdefgh"): "f:2:14: more than 200000 values: aliases multiply",
	}
	for text, want := range tests {
		_, faults := Parse("f", []byte(text))
		if got := faults.Error(); got != want {
			t.Errorf("%.20q: got %.200s, want %s", text, got, want)
		}
	}
}

// aliases makes a map in which each key holds ten times the one before.
func aliases(keys string) string {
	var text strings.Builder
	before := "a"
	for _, key := range strings.Split(keys, "") {
		text.WriteString(key + ": &" + key + " [" + strings.TrimSuffix(strings.Repeat("*"+before+",", 10), ",") + "]\n")
		before = key
	}
	return text.String()
}

func FuzzParse(f *testing.F) {
	for _, text := range tricky {
		f.Add(text)
	}
	f.Add("a: &a [*a]\nb: {<<: *a}\n? [c]\n: !!str d\n--- |\n")
	f.Fuzz(func(t *testing.T, text string) {
		root, faults := Parse("f", []byte(text))
		for _, fault := range faults {
			if line := fault.Error(); strings.ContainsAny(line, "\r\n") {
				t.Errorf("more than a line: %q", line)
			}
		}
		if root == nil {
			return
		}
		root.Walk("", func(path string, n *Node) {
			if _, found := Find(root, path); !found && path != "" {
				t.Errorf("nothing is at %s", path)
			}
		})
		JSON("", root)
	})
}
