package tree

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// JSON is n as JSON, keys in their order. What a Loose text is depends on how it
// looks, as it would unquoted in the file. Numbers that JSON does not have are
// faults (path is that of n).
func JSON(path string, n *Node) ([]byte, Errors) {
	var out bytes.Buffer
	var faults Errors
	writeJSON(&out, path, n, &faults)
	return out.Bytes(), faults
}

func writeJSON(out *bytes.Buffer, path string, n *Node, faults *Errors) {
	switch n.Kind {
	case Map:
		out.WriteByte('{')
		for i, entry := range n.Entries {
			if i > 0 {
				out.WriteByte(',')
			}
			writeString(out, entry.Key)
			out.WriteByte(':')
			writeJSON(out, Join(path, entry.Key), entry.Value, faults)
		}
		out.WriteByte('}')
	case List:
		out.WriteByte('[')
		for i, item := range n.Items {
			if i > 0 {
				out.WriteByte(',')
			}
			writeJSON(out, Index(path, i), item, faults)
		}
		out.WriteByte(']')
	case Null:
		out.WriteString("null")
	case Bool:
		out.WriteString(strings.ToLower(n.Text))
	case Int, Float:
		number, ok := jsonNumber(n)
		if !ok {
			faults.Add(n.Pos, path, n.Text+" cannot be given to a plugin as a number; quote it to make it a text")
			return
		}
		out.WriteString(number)
	default:
		writeString(out, n.Text)
	}
}

func writeString(out *bytes.Buffer, text string) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // A string always encodes, a buffer always takes it.
	out.Truncate(out.Len() - len("\n"))
}

// jsonNumber is the number as JSON writes it: as it stands if it can, so that no
// digit is lost.
func jsonNumber(n *Node) (string, bool) {
	if json.Valid([]byte(n.Text)) {
		return n.Text, true
	}
	if whole, err := parseInt(n.Text); n.Kind == Int && err == nil {
		return strconv.FormatInt(whole, 10), true
	}
	value, err := strconv.ParseFloat(strings.ReplaceAll(n.Text, "_", ""), 64)
	if n.Kind == Int || err != nil || math.IsInf(value, 0) || math.IsNaN(value) {
		return "", false
	}
	return strconv.FormatFloat(value, 'g', -1, 64), true
}

// parseInt reads a whole number in the forms of YAML: 10_000, 0x1F, 0o17, 0b11,
// and 017, which is octal too.
func parseInt(text string) (int64, error) {
	return strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 0, 64)
}
