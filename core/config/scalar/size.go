package scalar

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written with a binary unit.
type Size int64

// sizeUnits holds the units from the largest, as String prefers them.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"B", 1},
}

// ParseSize reads a size such as 512, 512B, 256KiB, 1.5MiB or 2GiB; a number
// without a unit is bytes. Decimal units (kB, MB, GB) and bare letters (K, M)
// are errors that name the binary unit, because readers disagree about them.
func ParseSize(text string) (Size, error) {
	number, unit := text, "B"
	for end := range len(text) {
		if !isNumeric(text[end]) {
			number, unit = text[:end], text[end:]
			break
		}
	}
	if number == "" {
		if strings.HasPrefix(text, "-") {
			return 0, fmt.Errorf("%q is negative", text)
		}
		return 0, sizeError(text)
	}
	for _, known := range sizeUnits {
		if unit == known.name {
			return sizeOf(text, number, known.bytes)
		}
	}
	if binary := binaryUnit(unit); binary != "" {
		return 0, fmt.Errorf("%q has no binary unit: write %s%s", text, number, binary)
	}
	return 0, sizeError(text)
}

func sizeOf(text, number string, unitBytes int64) (Size, error) {
	if whole, err := strconv.ParseInt(number, 10, 64); err == nil {
		if whole > math.MaxInt64/unitBytes {
			return 0, fmt.Errorf("%q is too large", text)
		}
		return Size(whole * unitBytes), nil
	}
	value, err := strconv.ParseFloat(number, 64)
	switch bytes := value * float64(unitBytes); {
	case err != nil:
		return 0, sizeError(text)
	case bytes >= math.MaxInt64:
		return 0, fmt.Errorf("%q is too large", text)
	case bytes != math.Trunc(bytes):
		return 0, fmt.Errorf("%q is no whole number of bytes", text)
	default:
		return Size(bytes), nil
	}
}

func sizeError(text string) error {
	return fmt.Errorf("%q is no size: write one such as 256KiB, 64MiB or a number of bytes", text)
}

// binaryUnit is what the writer of a decimal or abbreviated unit may have
// meant, or "".
func binaryUnit(unit string) string {
	switch strings.ToLower(unit) {
	case "b":
		return "B"
	case "k", "kb", "ki", "kib":
		return "KiB"
	case "m", "mb", "mi", "mib":
		return "MiB"
	case "g", "gb", "gi", "gib":
		return "GiB"
	case "t", "tb", "ti", "tib":
		return "TiB"
	}
	return ""
}

// String writes s in the largest unit that divides it, so that ParseSize reads
// the same number back.
func (s Size) String() string {
	if s == 0 {
		return "0"
	}
	for _, unit := range sizeUnits {
		if int64(s)%unit.bytes == 0 {
			return strconv.FormatInt(int64(s)/unit.bytes, 10) + unit.name
		}
	}
	return "" // Unreachable: one byte divides everything.
}

// MarshalText writes what String writes.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what ParseSize reads.
func (s *Size) UnmarshalText(text []byte) error {
	parsed, err := ParseSize(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}

// Set and Type make a *Size a command-line flag.
func (s *Size) Set(text string) error { return s.UnmarshalText([]byte(text)) }

// Type names the flag's kind in help texts.
func (s *Size) Type() string { return "size" }
