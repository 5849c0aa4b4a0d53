package scalar

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Day is the unit `d`: 24 hours, whatever a calendar says.
const Day = 24 * time.Hour

// Duration is a time.Duration that is written in Go's syntax plus `d` for days.
type Duration time.Duration

// ParseDuration reads a duration such as 250ms, 90s, 1h30m, 36h or 7d. Units
// are ns, us, ms, s, m, h and d; several may follow each other and each number
// may have a fraction. A number without a unit is an error, 0 aside, because
// nobody can tell seconds from milliseconds by looking at it. Negative values
// are errors: nothing here takes one.
func ParseDuration(text string) (Duration, error) {
	switch {
	case text == "0":
		return 0, nil
	case text == "":
		return 0, errors.New("a duration is missing: write one such as 90s, 36h or 7d")
	case text[0] == '-':
		return 0, fmt.Errorf("%q is negative", text)
	case strings.Trim(text, "0123456789.") == "":
		return 0, fmt.Errorf("%q has no unit: write %ss or %sms", text, text, text)
	}
	var total time.Duration
	for rest := text; rest != ""; {
		number, unit, after := cutQuantity(rest)
		part, err := quantity(number, unit)
		if errors.Is(err, errTooLong) || total > math.MaxInt64-part {
			return 0, fmt.Errorf("%q is too long: at most 106751d", text)
		}
		if err != nil {
			return 0, fmt.Errorf("%q is no duration%w: write one such as 90s, 36h or 7d", text, err)
		}
		total += part
		rest = after
	}
	return Duration(total), nil
}

// cutQuantity splits "90s…" into "90", "s" and the rest, which begins with the
// next number.
func cutQuantity(text string) (number, unit, rest string) {
	unitAt := 0
	for unitAt < len(text) && isNumeric(text[unitAt]) {
		unitAt++
	}
	end := unitAt
	for end < len(text) && !isNumeric(text[end]) {
		end++
	}
	return text[:unitAt], text[unitAt:end], text[end:]
}

func isNumeric(c byte) bool { return c == '.' || '0' <= c && c <= '9' }

// quantity is one number with its unit. Its error is what follows "no
// duration" in the message.
func quantity(number, unit string) (time.Duration, error) {
	if unit != "d" {
		part, err := time.ParseDuration(number + unit)
		switch {
		case err == nil:
			return part, nil
		case number != "" && unit == "":
			return 0, fmt.Errorf(" (%s has no unit)", number)
		case number != "" && !isUnit(unit):
			return 0, fmt.Errorf(" (units are ns, us, ms, s, m, h, d)")
		}
		return 0, errPlain
	}
	days, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, errPlain
	}
	if days >= math.MaxInt64/float64(Day) {
		return 0, errTooLong
	}
	whole, fraction := math.Modf(days)
	return time.Duration(whole)*Day + time.Duration(fraction*float64(Day)), nil
}

var (
	errPlain   = errors.New("") // says no more than that the text is wrong
	errTooLong = errors.New("too long")
)

func isUnit(unit string) bool {
	switch unit {
	case "ns", "us", "µs", "μs", "ms", "s", "m", "h":
		return true
	}
	return false
}

// String writes d so that ParseDuration reads it back and as people do: 7d, 36h,
// 1h30m, 90s, 250ms.
func (d Duration) String() string {
	std := time.Duration(d)
	if std == 0 {
		return "0"
	}
	switch {
	case std%Day == 0 && std >= 2*Day:
		return strconv.FormatInt(int64(std/Day), 10) + "d"
	case std%time.Second == 0 && std < 2*time.Minute:
		return strconv.FormatInt(int64(std/time.Second), 10) + "s"
	}
	text := std.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Std is d as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// MarshalText writes what String writes.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

// Set and Type make a *Duration a command-line flag.
func (d *Duration) Set(text string) error { return d.UnmarshalText([]byte(text)) }

// Type names the flag's kind in help texts.
func (d *Duration) Type() string { return "duration" }
