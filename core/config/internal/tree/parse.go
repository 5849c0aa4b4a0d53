package tree

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	sourceBytesMax = 1 << 20 // no configuration is longer
	depthMax       = 64      // nor deeper; the parser's time grows with its square
)

// lineBreaks makes one of all that YAML takes for a line break; the parser would
// count lines wrongly.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// Parse reads a YAML document; file is its name in places. The top must be a map
// or empty. All duplicate keys are reported, but only the first error of syntax;
// what cannot be read at all gives nil.
func Parse(file string, source []byte) (*Node, Errors) {
	var faults Errors
	text := lineBreaks.Replace(strings.TrimPrefix(string(source), "\ufeff"))
	if len(text) > sourceBytesMax {
		faults.Add(Position{File: file}, "", "longer than 1 MiB: this is no configuration")
		return nil, faults
	}
	if at, ok := invalidUTF8(file, text); ok {
		faults.Add(at, "", "not valid UTF-8")
		return nil, faults
	}
	body, fault := document(file, text)
	if fault != nil {
		return nil, Errors{fault}
	}
	c := &converter{file: file, anchors: map[string]ast.Node{}, faults: &faults}
	root := &Node{Kind: Map, Pos: Position{File: file, Line: 1, Column: 1}}
	if body != nil {
		root = c.convert("", body, 0)
	}
	if root.Kind == Null {
		root = &Node{Kind: Map, Pos: root.Pos}
	}
	if root.Kind != Map {
		faults.Add(root.Pos, "", fmt.Sprintf("wants keys such as `plugins:` at the top, not %s", root.Kind))
		return nil, faults
	}
	return root, faults
}

// Builtin reads what the program itself brings: nothing in it has a place.
func Builtin(source []byte) *Node {
	node, err := parseFlow(Position{}, string(source))
	if err != nil {
		panic("tree: " + err.Error())
	}
	return node
}

// parseFlow reads one value in brackets or braces; everything in it has pos.
func parseFlow(pos Position, text string) (*Node, error) {
	body, fault := document("", text)
	if fault != nil {
		return nil, errors.New(fault.Text)
	}
	var faults Errors
	c := &converter{at: &pos, anchors: map[string]ast.Node{}, faults: &faults}
	node := c.convert("", body, 0)
	if len(faults) > 0 {
		return nil, errors.New(faults[0].Text)
	}
	return node, nil
}

// document is the body of the one document in text, nil if it is empty.
func document(file, text string) (body ast.Node, fault *Error) {
	// A parser that is not ours meets whatever a file holds: its panic is an
	// error of the file.
	defer func() {
		if r := recover(); r != nil {
			body, fault = nil, &Error{Pos: Position{File: file}, Text: "cannot be read as YAML"}
		}
	}()
	tokens := lexer.Tokenize(text)
	if at := tooDeep(tokens); at != nil {
		return nil, &Error{Pos: place(file, at), Text: fmt.Sprintf("nested more than %d deep", depthMax)}
	}
	parsed, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxError(file, text, err)
	}
	for _, doc := range parsed.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.DirectiveType:
		case body != nil:
			return nil, &Error{Pos: place(file, doc.Body.GetToken()), Text: "a second document: a configuration is one"}
		default:
			body = doc.Body
		}
	}
	return body, nil
}

// tooDeep is the token that opens a bracket too many, or an item in an item too
// many on one line, or nil. Nesting by indentation is bounded by the length of the
// source.
func tooDeep(tokens token.Tokens) *token.Token {
	brackets, items, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			items, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			items++
		}
		if brackets > depthMax || items > depthMax {
			return t
		}
	}
	return nil
}

func syntaxError(file, text string, err error) *Error {
	fault := &Error{Pos: Position{File: file}, Text: err.Error()}
	var detail yaml.Error
	if !errors.As(err, &detail) || detail.GetToken() == nil {
		return fault
	}
	fault.Pos = place(file, detail.GetToken())
	fault.Text = detail.GetMessage()
	if lines := strings.Split(text, "\n"); fault.Pos.Line <= len(lines) {
		fault.Text += hint(lines[fault.Pos.Line-1])
	}
	return fault
}

// hint names the usual cause of a syntax error in a line, or is "".
func hint(line string) string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch {
	case strings.Contains(indent, "\t"):
		return " (indent with spaces, not with tabs)"
	case strings.Contains(line, "${"):
		return ` (a ${…} inside { } or [ ] needs quotes: "${…}")`
	}
	return ""
}

func invalidUTF8(file, text string) (Position, bool) {
	if utf8.ValidString(text) {
		return Position{}, false
	}
	line, column := 1, 1
	for _, r := range text {
		switch r {
		case utf8.RuneError:
			return Position{File: file, Line: line, Column: column}, true
		case '\n':
			line, column = line+1, 1
		default:
			column++
		}
	}
	return Position{}, false
}

func place(file string, t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{File: file}
	}
	// The column of what follows a line break in a block is given as 0.
	return Position{File: file, Line: max(t.Position.Line, 1), Column: max(t.Position.Column, 1)}
}
