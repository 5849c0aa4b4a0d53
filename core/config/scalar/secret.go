package scalar

import (
	"fmt"
	"log/slog"
)

// Mask is what stands for a secret wherever it would be printed.
const Mask = "****"

// Secret is a text that is never printed: every way to format, log or marshal
// it gives [Mask], or nothing if it is empty. Only Reveal gives the text.
type Secret string

var (
	_ fmt.Formatter  = Secret("")
	_ slog.LogValuer = Secret("")
)

// Reveal is the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String gives Mask, or "" for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Mask
}

// Format gives what String gives, whatever the verb: %x and %#v would
// otherwise see through String.
func (s Secret) Format(state fmt.State, _ rune) { fmt.Fprint(state, s.String()) }

// LogValue gives what String gives.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText writes what String writes: a marshalled secret is lost.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}
