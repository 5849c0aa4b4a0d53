// Package tree is a configuration as it was written: maps, lists and scalars in
// their order, each with its place in a file or an environment variable. It
// knows nothing of what the keys mean; core/config reads its sections from it.
package tree

import "strconv"

// Kind is the form of a node.
type Kind uint8

// The kinds of nodes. Null to String are scalars.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	List
	Map
)

// String names k as error messages do.
func (k Kind) String() string {
	switch k {
	case Bool:
		return "true or false"
	case Int, Float:
		return "a number"
	case String:
		return "a text"
	case List:
		return "a list"
	case Map:
		return "a map of keys"
	}
	return "nothing"
}

// Node is a value. A tree is owned by whoever loads it and is not changed after
// loading.
type Node struct {
	Kind Kind
	Pos  Position

	// Text is a scalar as it was written, without quotes; the meaning of Bool,
	// Int and Float is in it.
	Text string
	// Loose says that Text came from the environment or from a reference, so
	// that it has the type of whatever reads it.
	Loose bool
	// Quoted says that a String stood in quotes or in a block of its own, so
	// that it is a text whatever it looks like.
	Quoted bool
	// Written is Text before its references were replaced, "" if it had none.
	Written string

	Items   []*Node // of a List
	Entries []Entry // of a Map, in the order of the file
}

// Entry is a key of a Map with its value.
type Entry struct {
	Key   string
	Pos   Position // of the key
	Value *Node
}

// Get is the value of a key, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Map {
		return nil
	}
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return n.Entries[i].Value
		}
	}
	return nil
}

// Keys lists the keys of a Map in their order.
func (n *Node) Keys() []string {
	keys := make([]string, len(n.Entries))
	for i := range n.Entries {
		keys[i] = n.Entries[i].Key
	}
	return keys
}

// Int is the whole number that an Int node says.
func (n *Node) Int() (int64, error) { return parseInt(n.Text) }

// Quotable says whether a message may show the value: it is one value, short, and
// written in the file itself. What comes from elsewhere may be a secret.
func (n *Node) Quotable() bool {
	return Null < n.Kind && n.Kind < List && !n.Loose && len(n.Text) <= 40
}

// Set gives a key of a Map a value, replacing the one it has.
func (n *Node) Set(key string, pos Position, value *Node) {
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			n.Entries[i] = Entry{Key: key, Pos: pos, Value: value}
			return
		}
	}
	n.Entries = append(n.Entries, Entry{Key: key, Pos: pos, Value: value})
}

// Walk calls visit for n and everything in it, with the path from n.
func (n *Node) Walk(path string, visit func(path string, n *Node)) {
	visit(path, n)
	for i, item := range n.Items {
		item.Walk(path+"["+strconv.Itoa(i)+"]", visit)
	}
	for i := range n.Entries {
		n.Entries[i].Value.Walk(Join(path, n.Entries[i].Key), visit)
	}
}
