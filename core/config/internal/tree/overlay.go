package tree

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// EnvPrefix begins the variables that set configuration keys. Its two
// underscores keep apart what orchestrators inject, such as PUSHCORE_PORT.
const EnvPrefix = "PUSHCORE__"

// Want is what stands at a path by the meaning of the keys.
type Want uint8

// What a path may take.
const (
	WantScalar    Want = iota // one value
	WantComposite             // a list or a map
	WantAny                   // whatever it looks like: a plugin's options
)

// Overlay puts the variables of environ that begin with EnvPrefix into root, over
// what is there: PUSHCORE__STORE__PATH is store.path, PUSHCORE__AUTH__JWT__0__ISSUER
// is auth.jwt[0].issuer. Keys that nobody knows are put in as well, so that
// whoever knows the keys reports them.
func Overlay(root *Node, environ []string, want func(path []string) Want) Errors {
	var faults Errors
	for _, v := range variables(environ) {
		if err := v.put(root, want); err != nil {
			faults.Add(Position{Env: v.name}, strings.Join(v.path, "."), err.Error())
		}
	}
	return faults
}

// EnvName is the variable that sets the key at path.
func EnvName(path string) string {
	return EnvPrefix + strings.ToUpper(strings.Join(splitPath(path), "__"))
}

type variable struct {
	name  string
	path  []string
	value string
}

// variables are those of environ that mean us, outer keys before inner ones. Of
// a name that stands twice the last counts.
func variables(environ []string) []variable {
	byName := map[string]string{}
	for _, assignment := range environ {
		name, value, ok := strings.Cut(assignment, "=")
		if ok && strings.HasPrefix(name, EnvPrefix) {
			byName[name] = value
		}
	}
	all := make([]variable, 0, len(byName))
	for name, value := range byName {
		path := strings.Split(strings.ToLower(strings.TrimPrefix(name, EnvPrefix)), "__")
		all = append(all, variable{name: name, path: path, value: value})
	}
	slices.SortFunc(all, func(a, b variable) int {
		return cmp.Or(slices.CompareFunc(a.path, b.path, compareSteps), cmp.Compare(a.name, b.name))
	})
	return all
}

// compareSteps orders indices as numbers, so that lists grow from their start.
func compareSteps(a, b string) int {
	i, errA := strconv.Atoi(a)
	j, errB := strconv.Atoi(b)
	if errA == nil && errB == nil {
		return cmp.Compare(i, j)
	}
	return cmp.Compare(a, b)
}

// put goes down from root along the variable's path, making what is missing.
func (v *variable) put(root *Node, want func(path []string) Want) error {
	if slices.Contains(v.path, "") {
		return errors.New("an empty part: two underscores stand between two keys, as in PUSHCORE__STORE__PATH")
	}
	node, path := root, v.path[:0:0]
	for i, step := range v.path {
		slot, err := v.slot(node, step)
		if err != nil {
			return err
		}
		path = append(path, slot.key)
		if i == len(v.path)-1 {
			value, err := v.node(want(path), slot.node)
			if err == nil {
				slot.put(value)
			}
			return err
		}
		switch node = slot.node; {
		case node == nil:
			node = v.container(v.path[i+1])
			slot.put(node)
		case node.Kind == Null: // Written, only empty: the key keeps its place.
			*node = *v.container(v.path[i+1])
		}
	}
	return nil
}

// container is an empty map or list, by what the next step looks like.
func (v *variable) container(next string) *Node {
	kind := Map
	if _, err := strconv.Atoi(next); err == nil {
		kind = List
	}
	return &Node{Kind: kind, Pos: Position{Env: v.name}}
}

// slot is a place in a node that a value can be put into.
type slot struct {
	node *Node  // what is there, or nil
	key  string // as the node spells it
	put  func(*Node)
}

func (v *variable) slot(in *Node, step string) (*slot, error) {
	index, err := strconv.Atoi(step)
	isIndex := err == nil && index >= 0
	switch {
	case in.Kind == Map:
		return v.keySlot(in, step), nil
	case in.Kind == List && isIndex && index < len(in.Items):
		return &slot{in.Items[index], step, func(n *Node) { in.Items[index] = n }}, nil
	case in.Kind == List && isIndex && index == len(in.Items):
		return &slot{nil, step, func(n *Node) { in.Items = append(in.Items, n) }}, nil
	case in.Kind == List && isIndex:
		return nil, fmt.Errorf("the list has %d items: the next is %d, not %d", len(in.Items), len(in.Items), index)
	case in.Kind == List:
		return nil, fmt.Errorf("%q must be an index: a list is here (%s)", strings.ToUpper(step), in.Pos)
	}
	return nil, fmt.Errorf("%q has no place: %s stands there already (%s)", strings.ToUpper(step), in.Kind, in.Pos)
}

// keySlot finds a key as the file spells it: variables have neither lower case
// nor hyphens.
func (v *variable) keySlot(in *Node, step string) *slot {
	s := &slot{key: step}
	for _, key := range in.Keys() {
		if strings.ReplaceAll(strings.ToLower(key), "-", "_") == step {
			s.key, s.node = key, in.Get(key)
		}
	}
	s.put = func(n *Node) { in.Set(s.key, Position{Env: v.name}, n) }
	return s
}

// node makes the value, old being what it replaces. Where anything is wanted, the
// value is what it looks like, unless it replaces a text or stands in quotes.
func (v *variable) node(want Want, old *Node) (*Node, error) {
	pos := Position{Env: v.name}
	isFlow := strings.HasPrefix(v.value, "[") || strings.HasPrefix(v.value, "{")
	isText := old != nil && old.Kind == String
	unquoted, isQuoted := cutQuotes(v.value)
	switch {
	case want == WantComposite && !isFlow:
		return nil, errors.New("wants a list or a map in YAML's short form, such as [a, b] or {a: 1}")
	case want == WantComposite || want == WantAny && isFlow && !isText:
		node, err := parseFlow(pos, v.value)
		if err != nil {
			return nil, fmt.Errorf("not YAML: %w", err)
		}
		return node, nil
	case want == WantAny && isQuoted && !isText:
		return &Node{Kind: String, Pos: pos, Text: unquoted, Loose: true, Quoted: true}, nil
	case want == WantAny && !isText:
		return &Node{Kind: looksLike(v.value), Pos: pos, Text: v.value, Loose: true}, nil
	}
	return &Node{Kind: String, Pos: pos, Text: v.value, Loose: true, Quoted: true}, nil
}

// cutQuotes takes double quotes off a text that has both.
func cutQuotes(text string) (string, bool) {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return text, false
	}
	return text[1 : len(text)-1], true
}

// looksLike is the kind that text would have, unquoted in a file.
func looksLike(text string) Kind {
	if text == "true" || text == "false" {
		return Bool
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil && !leadingZero(text) {
		return Int
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil && strings.Trim(text, "-.0123456789") == "" && !leadingZero(text) {
		return Float
	}
	return String
}

// leadingZero is true of 017, which is 15 to some and 17 to others, and as often
// no number at all.
func leadingZero(text string) bool {
	digits := strings.TrimLeft(text, "+-")
	return len(digits) > 1 && digits[0] == '0' && '0' <= digits[1] && digits[1] <= '9'
}
