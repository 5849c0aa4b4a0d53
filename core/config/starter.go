package config

import (
	"bytes"
	_ "embed"
	"io"
	"strings"
)

//go:embed starter.yaml
var starterPlugins string

const starterHead = `# pushcore configuration.
#
# Every key has a default, shown here behind a # without a space: remove it, and that of the
# section's name, to change one. All keys: docs/config.md. Check with: pushcore check -c FILE

`

// starterWidth is where comments are broken.
const starterWidth = 96

// WriteStarter writes a file to begin with: the plugins of a first start, and all
// other keys commented out with their defaults.
func WriteStarter(w io.Writer) error {
	var out bytes.Buffer
	out.WriteString(starterHead)
	for _, section := range allKeys() {
		if formOf(section.typ) == formPlugins {
			continue
		}
		starterKey(&out, "", &section)
		out.WriteString("\n")
	}
	out.WriteString(starterPlugins)
	_, err := w.Write(out.Bytes())
	return err
}

// starterKey writes a key with its comment. What has no default to show (lists of
// sections, sections that are absent) is shown by its example.
func starterKey(out *bytes.Buffer, indent string, k *key) {
	for _, line := range wrap(k.doc, starterWidth-len(indent)-2) {
		out.WriteString(indent + "# " + line + "\n")
	}
	for line := range strings.SplitSeq(k.example, "\n") {
		if line != "" {
			out.WriteString(indent + "#   " + line + "\n")
		}
	}
	switch form := formOf(k.typ); {
	case form == formSection && k.value.Type() == sectionOf(k.typ):
		out.WriteString(indent + "#" + k.key + ":\n")
		for i := range k.keys {
			starterKey(out, indent+"  ", &k.keys[i])
		}
	case form.isScalar() || form == formList && len(k.keys) == 0:
		text := k.defaultText()
		if text == "" && form == formList {
			text = "[]"
		} else if text == "" {
			text = `""`
		}
		out.WriteString(indent + "#" + k.key + ": " + text + "\n")
	}
}

// wrap breaks a text into lines of at most width bytes, where words allow it.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
