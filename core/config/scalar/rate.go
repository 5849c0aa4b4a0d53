package scalar

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Rate is a number of events per second, written as events per s, m or h.
type Rate float64

// rateUnits holds the units from the shortest, as String prefers them.
var rateUnits = []struct {
	name    string
	seconds float64
}{
	{"s", 1},
	{"m", 60},
	{"h", 3600},
}

// ParseRate reads a rate such as 500/s, 30/m or 0.5/s. A number without a unit
// is an error, 0 aside; a negative or infinite one too.
func ParseRate(text string) (Rate, error) {
	number, unit, ok := strings.Cut(text, "/")
	if text == "0" {
		return 0, nil
	}
	count, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || number == "" || math.IsNaN(count) || math.IsInf(count, 0):
		return 0, rateError(text)
	case count < 0:
		return 0, fmt.Errorf("%q is negative", text)
	case !ok:
		return 0, fmt.Errorf("%q has no unit: write %s/s", text, text)
	}
	for _, known := range rateUnits {
		if unit == known.name {
			return Rate(count / known.seconds), nil
		}
	}
	return 0, rateError(text)
}

func rateError(text string) error {
	return fmt.Errorf("%q is no rate: write one such as 500/s, 30/m or 10/h", text)
}

// String writes r in the shortest unit that makes it a whole number, else per
// second, so that ParseRate reads the same number back.
func (r Rate) String() string {
	if r == 0 {
		return "0"
	}
	for _, unit := range rateUnits {
		count := math.Round(float64(r) * unit.seconds)
		if count > 0 && Rate(count/unit.seconds) == r {
			return strconv.FormatFloat(count, 'f', -1, 64) + "/" + unit.name
		}
	}
	return strconv.FormatFloat(float64(r), 'g', -1, 64) + "/s"
}

// PerSecond is r as a plain number.
func (r Rate) PerSecond() float64 { return float64(r) }

// MarshalText writes what String writes.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what ParseRate reads.
func (r *Rate) UnmarshalText(text []byte) error {
	parsed, err := ParseRate(string(text))
	if err == nil {
		*r = parsed
	}
	return err
}

// Set and Type make a *Rate a command-line flag.
func (r *Rate) Set(text string) error { return r.UnmarshalText([]byte(text)) }

// Type names the flag's kind in help texts.
func (r *Rate) Type() string { return "rate" }
