package tree

import (
	"strconv"
	"strings"
)

// A path names a node as messages do: keys with dots between them, list items in
// brackets: auth.jwt[0].keys[1].alg. A key with other characters than letters,
// digits, '_', '-' and '*' is quoted.

// Join is the path of a key in the map at path.
func Join(path, key string) string {
	if !isPlainKey(key) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// Index is the path of an item in the list at path.
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func isPlainKey(key string) bool {
	for i := range len(key) {
		c := key[i] | 0x20
		if !('a' <= c && c <= 'z' || '0' <= key[i] && key[i] <= '9' || key[i] == '_' || key[i] == '-' || key[i] == '*') {
			return false
		}
	}
	return key != ""
}

// Within says whether path is outer or part of it.
func Within(path, outer string) bool {
	if outer == "" || !strings.HasPrefix(path, outer) {
		return false
	}
	return len(path) == len(outer) || path[len(outer)] == '.' || path[len(outer)] == '['
}

// Find is the place of the node at path, or of the nearest thing around it that
// was written: an absent key has the place of the map it would stand in. found
// tells the two apart.
func Find(root *Node, path string) (pos Position, found bool) {
	if root == nil {
		return Position{}, false
	}
	node, pos := root, root.Pos
	for _, step := range splitPath(path) {
		next, at := node.step(step)
		if next == nil {
			return pos, false
		}
		node, pos = next, at
	}
	return pos, true
}

// step goes to a key or an item.
func (n *Node) step(step string) (*Node, Position) {
	if n.Kind == Map {
		for i := range n.Entries {
			if e := &n.Entries[i]; e.Key == step {
				return e.Value, e.place()
			}
		}
	}
	if index, err := strconv.Atoi(step); err == nil && 0 <= index && index < len(n.Items) {
		return n.Items[index], n.Items[index].Pos
	}
	return nil, Position{}
}

// place is where a reader looks for an entry: at the value of a scalar, which is
// what is wrong as a rule, and at the key of all else.
func (e *Entry) place() Position {
	if e.Value.Kind == Map || e.Value.Kind == List || e.Value.Kind == Null {
		return e.Pos
	}
	return e.Value.Pos
}

// splitPath takes a path apart. Malformed ones give steps that nothing has.
func splitPath(path string) []string {
	var steps []string
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
		case '[':
			index, rest, _ := strings.Cut(path[1:], "]")
			steps, path = append(steps, index), rest
		case '"':
			quoted, err := strconv.QuotedPrefix(path)
			if err != nil {
				return append(steps, path)
			}
			key, _ := strconv.Unquote(quoted)
			steps, path = append(steps, key), path[len(quoted):]
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			steps, path = append(steps, path[:end]), path[end:]
		}
	}
	return steps
}

// FromPointer is the path that a JSON pointer names below path (RFC 6901). The
// pointer's array indices and keys look alike; the tree tells them apart.
func FromPointer(node *Node, path, pointer string) string {
	if pointer == "" {
		return path
	}
	for _, step := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		index, err := strconv.Atoi(step)
		if err == nil && node != nil && node.Kind == List {
			path = Index(path, index)
		} else {
			path = Join(path, step)
		}
		if node != nil {
			node, _ = node.step(step)
		}
	}
	return path
}
