package deps

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the want.txt of each tree in testdata")

func TestTreeKeepsTheRules(t *testing.T) {
	tree, err := Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, breach := range tree.Check() {
		t.Error(breach)
	}
}

// TestBrokenRulesAreFound checks small trees, each of which breaks one kind of rule; want.txt lists what is found.
func TestBrokenRulesAreFound(t *testing.T) {
	folders, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			tree, err := Load(os.DirFS(folder))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join(folder, "want.txt"), tree.Check())
		})
	}
}

func compare(t *testing.T, wantFile string, breaches []Breach) {
	t.Helper()
	var got strings.Builder
	for _, b := range breaches {
		got.WriteString(b.String() + "\n")
	}
	if *rewrite {
		if err := os.WriteFile(wantFile, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(wantFile)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func TestUnneededAllowanceIsABreach(t *testing.T) {
	tree, err := Load(os.DirFS("testdata/words"))
	if err != nil {
		t.Fatal(err)
	}
	needed := Allowance{File: "core/host/host.go", Text: "over TCP or", Why: "a test of it"}
	stale := Allowance{File: "core/host/host.go", Text: "not there", Why: "a test of it"}
	w := words
	w.Allowed = []Allowance{needed, stale}
	var said, unneeded int
	for _, b := range tree.Said(w) {
		switch {
		case b.File == "":
			unneeded++
		case b.Line == 3:
			t.Errorf("the allowed line is a breach: %v", b)
		default:
			said++
		}
	}
	if said != 3 || unneeded != 1 {
		t.Errorf("%d lines and %d unneeded allowances, want 3 and 1", said, unneeded)
	}
}
