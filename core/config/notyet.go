package config

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/pushcore/pushcore/core/config/internal/tree"
)

//go:embed notyet.txt
var notYetText string

// notYet is one line of notyet.txt: a key, or a value of a key, that this version
// refuses.
type notYet struct {
	path   []string
	value  string // "" stands for any
	reason string
}

var notYetTable = sync.OnceValue(func() []notYet {
	var table []notYet
	for line := range strings.Lines(notYetText) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		rule, reason, _ := strings.Cut(line, "|")
		path, value, _ := strings.Cut(rule, "=")
		table = append(table, notYet{
			path:   strings.Split(strings.ReplaceAll(strings.TrimSpace(path), "[]", "."+anyItem), "."),
			value:  strings.TrimSpace(value),
			reason: strings.TrimSpace(reason),
		})
	}
	return table
})

// anyItem is the step of a path that stands for the items of a list.
const anyItem = "[]"

// fits says whether the rule is about the key at path.
func (r *notYet) fits(path []string) bool {
	return slices.EqualFunc(r.path, path, func(pattern, step string) bool { return pattern == "*" || pattern == step })
}

// refuse reports all of root that this version does not have.
func (d *decoder) refuse(path string, steps []string, n *tree.Node) {
	for i, item := range n.Items {
		d.refuse(tree.Index(path, i), append(steps, anyItem), item)
	}
	for _, entry := range n.Entries {
		at, below := tree.Join(path, entry.Key), append(steps, entry.Key)
		if !d.refuseKey(entry.Pos, at, below) && !d.refuseText(entry.Value, at, below) {
			d.refuse(at, below, entry.Value)
		}
	}
}

func (d *decoder) refuseKey(pos Position, path string, steps []string) bool {
	for _, rule := range notYetTable() {
		if rule.value == "" && rule.fits(steps) {
			d.faults.Add(pos, path, "not in this version: "+rule.reason)
			d.refused[path] = true
			return true
		}
	}
	return false
}

func (d *decoder) refuseText(n *tree.Node, path string, steps []string) bool {
	if n.Kind != tree.String {
		return false
	}
	for _, rule := range notYetTable() {
		if rule.value == n.Text && n.Text != "" && rule.fits(steps) {
			d.faults.Add(n.Pos, path, n.Text+" is not in this version: "+rule.reason)
			return true
		}
	}
	return false
}

// refuseValue does so for a value that was not written but follows from what was.
func (d *decoder) refuseValue(pos Position, path, value string) {
	n := &tree.Node{Kind: tree.String, Pos: pos, Text: value}
	d.refuseText(n, path, strings.Split(path, "."))
}
