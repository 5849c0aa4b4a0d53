package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/pushcore/pushcore/sdk/nearest"
)

// References are what ${…} in values may name: ${NAME} a variable of Environ,
// ${file:PATH} the content of a file without its last line break, PATH being
// relative to Dir. $${ stands for ${.
type References struct {
	Dir     string
	Environ []string
}

const fileBytesMax = 1 << 20

// Replace replaces the references in every text of root. It works on the parsed
// tree, so nothing that a variable or file holds can become a key or a list. A
// text in quotes stays a text; one without may become a number or a truth value.
func (r *References) Replace(root *Node) Errors {
	var faults Errors
	root.Walk("", func(path string, n *Node) {
		if n.Kind != String || !strings.Contains(n.Text, "${") {
			return
		}
		text, replaced, err := r.expand(n.Text)
		if err != nil {
			faults.Add(n.Pos, path, err.Error())
			return
		}
		n.Written, n.Text = n.Text, text
		if replaced {
			n.Loose = true
			if !n.Quoted {
				n.Kind = looksLike(text)
			}
		}
	})
	return faults
}

func (r *References) expand(text string) (expanded string, replaced bool, err error) {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String(), replaced, nil
		}
		if strings.HasSuffix(before, "$") { // $${: the $ is written, ${ follows it.
			out.WriteString("{")
			text = after
			continue
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", false, errors.New("${ has no closing } (write $${ for the characters ${)")
		}
		value, err := r.value(name)
		if err != nil {
			return "", false, err
		}
		out.WriteString(value)
		text, replaced = rest, true
	}
}

func (r *References) value(name string) (string, error) {
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		return r.file(path)
	}
	if !isVariableName(name) {
		return "", fmt.Errorf("${%s} is no reference: write ${NAME} or ${file:PATH} (and $${ for the characters ${)", name)
	}
	var value string
	names, found := make([]string, 0, len(r.Environ)), false
	for _, assignment := range r.Environ {
		known, v, _ := strings.Cut(assignment, "=")
		names = append(names, known)
		if known == name {
			value, found = v, true
		}
	}
	if found {
		return value, nil
	}
	if near := nearest.Name(name, names); near != "" {
		return "", fmt.Errorf("the variable %s is not set (did you mean %s?)", name, near)
	}
	return "", fmt.Errorf("the variable %s is not set", name)
}

func isVariableName(name string) bool {
	for i := range len(name) {
		c := name[i] | 0x20
		if !('a' <= c && c <= 'z' || name[i] == '_' || i > 0 && '0' <= name[i] && name[i] <= '9') {
			return false
		}
	}
	return name != ""
}

func (r *References) file(path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.Dir, path)
	}
	content, err := readBounded(path)
	var reason *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("${file:…}: no file %s", path)
	case errors.As(err, &reason):
		return "", fmt.Errorf("${file:…}: cannot read %s: %w", path, reason.Err)
	case err != nil:
		return "", fmt.Errorf("${file:…}: cannot read %s: %w", path, err)
	case len(content) > fileBytesMax:
		return "", fmt.Errorf("${file:…}: %s is longer than 1 MiB", path)
	case !utf8.Valid(content):
		return "", fmt.Errorf("${file:…}: %s is not valid UTF-8", path)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r"), nil
}

// readBounded reads one byte more than is allowed at most.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, fileBytesMax+1))
}
