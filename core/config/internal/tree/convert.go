package tree

import (
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// nodesMax bounds what aliases may multiply a file to.
const nodesMax = 200_000

// converter makes our nodes of a parsed document: aliases and merge keys are
// resolved, tags other than !!str refused, duplicate keys reported.
type converter struct {
	file    string
	at      *Position // place of everything, if not of its own
	anchors map[string]ast.Node
	open    []string // aliases being resolved
	nodes   int
	faults  *Errors
}

func (c *converter) place(t *token.Token) Position {
	if c.at != nil {
		return *c.at
	}
	return place(c.file, t)
}

func (c *converter) fail(n ast.Node, path, format string, args ...any) *Node {
	pos := c.place(n.GetToken())
	c.faults.Add(pos, path, fmt.Sprintf(format, args...))
	return &Node{Pos: pos}
}

func (c *converter) convert(path string, n ast.Node, depth int) *Node {
	if n == nil {
		return &Node{}
	}
	if c.nodes++; c.nodes == nodesMax {
		return c.fail(n, "", "more than %d values: aliases multiply", nodesMax)
	}
	if c.nodes > nodesMax {
		return &Node{}
	}
	if depth > depthMax {
		return c.fail(n, path, "nested more than %d deep", depthMax)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return c.mapping(path, n, depth)
	case *ast.MappingValueNode:
		return c.mapping(path, &ast.MappingNode{Values: []*ast.MappingValueNode{n}}, depth)
	case *ast.SequenceNode:
		list := &Node{Kind: List, Pos: c.place(n.Start)}
		for i, item := range n.Values {
			if address := c.splitScalar(item); address != nil {
				list.Items = append(list.Items, address)
				continue
			}
			list.Items = append(list.Items, c.convert(Index(path, i), item, depth+1))
		}
		return list
	case *ast.AnchorNode:
		c.anchors[n.Name.String()] = n.Value
		return c.convert(path, n.Value, depth)
	case *ast.AliasNode:
		return c.alias(path, n, depth)
	case *ast.TagNode:
		return c.tagged(path, n, depth)
	}
	return c.scalar(path, n)
}

// splitScalar puts together again what the parser takes for a map of one key in a
// list inside braces, and is one text: { brokers: [127.0.0.1:9092] }. A colon
// without a space behind it separates nothing unless the key is quoted. Other
// nodes give nil.
func (c *converter) splitScalar(n ast.Node) *Node {
	pair, ok := n.(*ast.MappingValueNode)
	if m, isMap := n.(*ast.MappingNode); isMap && len(m.Values) == 1 && (m.Start == nil || m.Start.Type != token.MappingStartType) {
		pair, ok = m.Values[0], true
	}
	if !ok || pair.Start == nil || !plain(pair.Key.GetToken()) {
		return nil
	}
	key, colon, value := pair.Key.GetToken(), pair.Start, pair.Value.GetToken()
	if _, isScalar := pair.Value.(ast.ScalarNode); !isScalar || !plain(value) ||
		colon.Position.Line != value.Position.Line || colon.Position.Column+1 != value.Position.Column {
		return nil
	}
	c.nodes++
	return &Node{Kind: String, Pos: c.place(key), Text: key.Value + ":" + value.Value}
}

func plain(t *token.Token) bool {
	return t.Type != token.SingleQuoteType && t.Type != token.DoubleQuoteType && t.Type != token.NullType && t.Type != token.ImplicitNullType
}

func (c *converter) scalar(path string, n ast.Node) *Node {
	node := &Node{Pos: c.place(n.GetToken()), Text: n.GetToken().Value}
	switch n := n.(type) {
	case *ast.NullNode:
		node.Kind, node.Text = Null, ""
	case *ast.BoolNode:
		node.Kind = Bool
	case *ast.IntegerNode:
		node.Kind = Int
		if leadingZero(node.Text) {
			node.Kind = String
		}
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		node.Kind = Float
	case *ast.StringNode:
		node.Kind, node.Text = String, n.Value
		node.Quoted = n.Token.Type != token.StringType
	case *ast.LiteralNode:
		node.Kind, node.Text, node.Quoted = String, n.Value.Value, true
	default:
		return c.fail(n, path, "%s is not taken here", n.Type().YAMLName())
	}
	return node
}

func (c *converter) mapping(path string, n *ast.MappingNode, depth int) *Node {
	m := &Node{Kind: Map}
	if n.Start != nil && n.Start.Type == token.MappingStartType {
		m.Pos = c.place(n.Start)
	} else if len(n.Values) > 0 {
		m.Pos = c.place(n.Values[0].Key.GetToken())
	}
	lines := map[string]int{} // where each key stands
	var merged []*Node
	for _, value := range n.Values {
		key := value.Key.GetToken()
		if value.Key.IsMergeKey() {
			merged = append(merged, c.convert(path, value.Value, depth+1))
			continue
		}
		if explicit, ok := value.Key.(*ast.MappingKeyNode); ok {
			key = explicit.Value.GetToken()
		}
		entry := Entry{Key: key.Value, Pos: c.place(key)}
		if first := lines[entry.Key]; first != 0 {
			c.faults.Add(entry.Pos, Join(path, entry.Key), fmt.Sprintf("written twice, first in line %d", first))
			c.convert(Join(path, entry.Key), value.Value, depth+1) // For its own faults.
			continue
		}
		lines[entry.Key] = max(entry.Pos.Line, 1)
		entry.Value = c.convert(Join(path, entry.Key), value.Value, depth+1)
		m.Entries = append(m.Entries, entry)
	}
	for _, from := range merged {
		c.merge(path, m, from)
	}
	return m
}

// merge adds to m what `<<` names and m does not have.
func (c *converter) merge(path string, m, from *Node) {
	switch from.Kind {
	case List:
		for _, item := range from.Items {
			c.merge(path, m, item)
		}
	case Map:
		for _, entry := range from.Entries {
			if m.Get(entry.Key) == nil {
				m.Entries = append(m.Entries, entry)
			}
		}
	default:
		c.faults.Add(from.Pos, path, fmt.Sprintf("`<<` merges maps, not %s", from.Kind))
	}
}

// alias converts what the anchor names anew, so that no two places share a node.
func (c *converter) alias(path string, n *ast.AliasNode, depth int) *Node {
	name := n.Value.GetToken().Value
	target, ok := c.anchors[name]
	switch {
	case !ok:
		return c.fail(n, path, "no anchor &%s before this alias", name)
	case slices.Contains(c.open, name):
		return c.fail(n, path, "the alias *%s is inside its own anchor", name)
	}
	c.open = append(c.open, name)
	node := c.convert(path, target, depth)
	c.open = c.open[:len(c.open)-1]
	return node
}

func (c *converter) tagged(path string, n *ast.TagNode, depth int) *Node {
	if tag := n.GetToken().Value; tag != "!!str" {
		return c.fail(n, path, "the tag %s is not taken here", tag)
	}
	node := c.convert(path, n.Value, depth)
	if node.Kind == Map || node.Kind == List {
		return c.fail(n, path, "!!str wants one value, not %s", node.Kind)
	}
	node.Kind, node.Quoted, node.Pos = String, true, c.place(n.GetToken())
	return node
}
