package scalar_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/config/scalar"
)

func TestParseDuration(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		back string
	}{
		{"0", 0, "0"},
		{"0s", 0, "0"},
		{"90s", 90 * time.Second, "90s"},
		{"250ms", 250 * time.Millisecond, "250ms"},
		{"36h", 36 * time.Hour, "36h"},
		{"60s", time.Minute, "60s"},
		{"120s", 2 * time.Minute, "2m"},
		{"1d", 24 * time.Hour, "24h"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"7d", 7 * scalar.Day, "7d"},
		{"168h", 7 * scalar.Day, "7d"},
		{"1d12h", 36 * time.Hour, "36h"},
		{"0.5d", 12 * time.Hour, "12h"},
		{"10h0m10s", 10*time.Hour + 10*time.Second, "10h0m10s"},
	}
	for _, test := range tests {
		got, err := scalar.ParseDuration(test.text)
		if err != nil || got.Std() != test.want || got.String() != test.back {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", test.text, got, err, test.back)
		}
	}
}

func TestParseSize(t *testing.T) {
	tests := []struct {
		text string
		want scalar.Size
		back string
	}{
		{"0", 0, "0"},
		{"512", 512, "512B"},
		{"512B", 512, "512B"},
		{"1024", 1024, "1KiB"},
		{"256KiB", 256 << 10, "256KiB"},
		{"1.5MiB", 3 << 19, "1536KiB"},
		{"2GiB", 2 << 30, "2GiB"},
		{"1TiB", 1 << 40, "1TiB"},
	}
	for _, test := range tests {
		got, err := scalar.ParseSize(test.text)
		if err != nil || got != test.want || got.String() != test.back {
			t.Errorf("ParseSize(%q) = %v, %v; want %v", test.text, got, err, test.back)
		}
	}
}

func TestParseRate(t *testing.T) {
	tests := []struct {
		text string
		want float64
		back string
	}{
		{"0", 0, "0"},
		{"500/s", 500, "500/s"},
		{"30/m", 0.5, "30/m"},
		{"0.5/s", 0.5, "30/m"},
		{"60/m", 1, "1/s"},
		{"1/h", 1.0 / 3600, "1/h"},
		{"0.3/s", 0.3, "18/m"},
	}
	for _, test := range tests {
		got, err := scalar.ParseRate(test.text)
		if err != nil || got.PerSecond() != test.want || got.String() != test.back {
			t.Errorf("ParseRate(%q) = %v, %v; want %v", test.text, got, err, test.back)
		}
	}
}

// The messages are part of what users see, so they are compared whole.
func TestParseErrorsSayHowToWriteIt(t *testing.T) {
	duration := func(text string) error { _, err := scalar.ParseDuration(text); return err }
	size := func(text string) error { _, err := scalar.ParseSize(text); return err }
	rate := func(text string) error { _, err := scalar.ParseRate(text); return err }
	tests := []struct {
		parse func(string) error
		text  string
		want  string
	}{
		{duration, "", `a duration is missing: write one such as 90s, 36h or 7d`},
		{duration, "60", `"60" has no unit: write 60s or 60ms`},
		{duration, "1.5", `"1.5" has no unit: write 1.5s or 1.5ms`},
		{duration, "1h30", `"1h30" is no duration (30 has no unit): write one such as 90s, 36h or 7d`},
		{duration, "2w", `"2w" is no duration (units are ns, us, ms, s, m, h, d): write one such as 90s, 36h or 7d`},
		{duration, "60 s", `"60 s" is no duration (units are ns, us, ms, s, m, h, d): write one such as 90s, 36h or 7d`},
		{duration, "soon", `"soon" is no duration: write one such as 90s, 36h or 7d`},
		{duration, "d", `"d" is no duration: write one such as 90s, 36h or 7d`},
		{duration, "-5s", `"-5s" is negative`},
		{duration, "106752d", `"106752d" is too long: at most 106751d`},
		{duration, "nan", `"nan" is no duration: write one such as 90s, 36h or 7d`},
		{duration, "106751d1d", `"106751d1d" is too long: at most 106751d`},
		{size, "", `"" is no size: write one such as 256KiB, 64MiB or a number of bytes`},
		{size, "64MB", `"64MB" has no binary unit: write 64MiB`},
		{size, "64m", `"64m" has no binary unit: write 64MiB`},
		{size, "64 MiB", `"64 MiB" is no size: write one such as 256KiB, 64MiB or a number of bytes`},
		{size, "-1", `"-1" is negative`},
		{size, "0.3KiB", `"0.3KiB" is no whole number of bytes`},
		{size, "8388608TiB", `"8388608TiB" is too large`},
		{size, "1.2.3KiB", `"1.2.3KiB" is no size: write one such as 256KiB, 64MiB or a number of bytes`},
		{rate, "", `"" is no rate: write one such as 500/s, 30/m or 10/h`},
		{rate, "500", `"500" has no unit: write 500/s`},
		{rate, "500/d", `"500/d" is no rate: write one such as 500/s, 30/m or 10/h`},
		{rate, "inf/s", `"inf/s" is no rate: write one such as 500/s, 30/m or 10/h`},
		{rate, "-1/s", `"-1/s" is negative`},
	}
	for _, test := range tests {
		if err := test.parse(test.text); err == nil || err.Error() != test.want {
			t.Errorf("%q: got  %v\nwant %s", test.text, err, test.want)
		}
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	secret := struct{ Key scalar.Secret }{"hunter2"}
	encoded, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	logger := slog.New(slog.NewTextHandler(&logged, nil))
	logger.Info("start", "key", secret.Key, "all", secret)
	printed := []string{
		string(encoded),
		logged.String(),
		fmt.Sprintf("%v %+v %#v %s %q %x %d", secret, secret, secret, secret.Key, secret.Key, secret.Key, secret.Key),
		fmt.Sprint(&secret),
	}
	for _, text := range printed {
		if strings.Contains(text, "hunter") || strings.Contains(text, "68756e746572") {
			t.Errorf("the secret is in %q", text)
		}
		if !strings.Contains(text, scalar.Mask) {
			t.Errorf("%q does not say that there is a secret", text)
		}
	}
	if secret.Key.Reveal() != "hunter2" {
		t.Error("Reveal does not give the text")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0", "7d", "1h30m", "1.5MiB", "500/s", "30/m", "-1", "1e9/s", "9223372036854775807", "..d", "µs", "0.1d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := scalar.ParseDuration(text); err == nil {
			again, err := scalar.ParseDuration(d.String())
			if err != nil || again != d || d < 0 {
				t.Errorf("%q is %s, which reads back as %v, %v", text, d, again, err)
			}
		}
		if s, err := scalar.ParseSize(text); err == nil {
			again, err := scalar.ParseSize(s.String())
			if err != nil || again != s || s < 0 {
				t.Errorf("%q is %s, which reads back as %v, %v", text, s, again, err)
			}
		}
		if r, err := scalar.ParseRate(text); err == nil {
			again, err := scalar.ParseRate(r.String())
			if err != nil || again != r || r < 0 {
				t.Errorf("%q is %s, which reads back as %v, %v", text, r, again, err)
			}
		}
	})
}
