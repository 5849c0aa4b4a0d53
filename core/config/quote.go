package config

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// plainYAML matches texts that mean themselves without quotes, in brackets too.
var plainYAML = regexp.MustCompile(`^[A-Za-z/.0-9_][A-Za-z0-9_./+@-]*(:[A-Za-z0-9_./+@-]+)*$`)

// otherYAML matches what is plain and yet no text: numbers, truth values, nothing.
var otherYAML = regexp.MustCompile(`(?i)^([-+]?[.0-9][0-9a-fx_.]*(e[-+]?[0-9]+)?|true|false|null|yes|no|on|off|y|n|\.inf|\.nan)$`)

// quoteYAML writes a text, in quotes if it would mean something else without.
func quoteYAML(text string) string {
	if plainYAML.MatchString(text) && !otherYAML.MatchString(text) {
		return text
	}
	return quoteJSON(text)
}

// quoteJSON writes a text in double quotes, which YAML reads as JSON does.
func quoteJSON(text string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // A string always encodes, a buffer always takes it.
	return string(bytes.TrimSuffix(out.Bytes(), []byte("\n")))
}
