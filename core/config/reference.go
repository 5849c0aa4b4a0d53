package config

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"strings"
)

//go:embed reference_intro.md
var referenceIntro string

// WriteReference writes docs/config.md.
func WriteReference(w io.Writer) error {
	var page bytes.Buffer
	page.WriteString(referenceIntro)
	for _, section := range allKeys() {
		fmt.Fprintf(&page, "\n### %s\n\n%s\n", section.key, section.doc)
		writeExample(&page, "", section.example)
		if len(section.keys) > 0 && section.example == "" {
			page.WriteString("\n")
		}
		for i := range section.keys {
			writeKey(&page, &section.keys[i])
		}
	}
	page.WriteString("\n## Not in this version\n\nThese keys and values are refused, each with its reason.\n\n")
	for _, rule := range notYetTable() {
		name := strings.NewReplacer("*", "NAME", "."+anyItem, anyItem).Replace(strings.Join(rule.path, "."))
		if rule.value != "" {
			name += ": " + rule.value
		}
		fmt.Fprintf(&page, "- `%s`: %s\n", name, rule.reason)
	}
	_, err := w.Write(page.Bytes())
	return err
}

func writeKey(page *bytes.Buffer, k *key) {
	fmt.Fprintf(page, "- **`%s`** (%s%s", k.path, k.kind(), k.required())
	if text := k.defaultText(); text != "" {
		fmt.Fprintf(page, "; default `%s`", text)
	}
	fmt.Fprintf(page, "). %s\n", k.doc)
	writeExample(page, "  ", k.example)
	for i := range k.keys {
		writeKey(page, &k.keys[i])
	}
}

func writeExample(page *bytes.Buffer, indent, example string) {
	if example == "" {
		return
	}
	fmt.Fprintf(page, "\n%s```yaml\n", indent)
	for line := range strings.SplitSeq(example, "\n") {
		fmt.Fprintf(page, "%s%s\n", indent, line)
	}
	fmt.Fprintf(page, "%s```\n\n", indent)
}
