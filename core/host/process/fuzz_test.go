package process

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzHandshakeLineIsUnderstoodOrExplained(f *testing.F) {
	for _, line := range []string{"", "hello", "1|1|unix|/tmp/x|grpc", "1|1|tcp|127.0.0.1:1|grpc", "2|1|unix|/x|grpc", "1|9|unix|/x|grpc", "1|1|unix|/x", "1|1|||", "||||", "1|\xff|a|b|grpc|c|d"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		fault, advice := handshakeFault(line)
		if (fault == "") != (advice == "") || strings.Contains(fault, "\n") || !utf8.ValidString(fault) || len(fault) > 1000 {
			t.Errorf("%q: %q, %q", line, fault, advice)
		}
		parts := strings.Split(line, "|")
		if fault == "" && len(parts) < 5 {
			t.Errorf("%q has no fault", line)
		}
		if len(parts) > 3 && checkAddress("/private/pc-1", parts[2], parts[3]) == nil && parts[2] == "unix" &&
			filepath.Dir(filepath.Clean(parts[3])) != "/private/pc-1" {
			t.Errorf("%q is let through", parts[3])
		}
	})
}

func FuzzAttributesOfLogEntries(f *testing.F) {
	for _, encoded := range []string{"", "{", `{"a":1,"b":{"c":[1,2]},"d":null}`, `[]`, `"x"`, `{"":{"":{}}}`, "\xff"} {
		f.Add([]byte(encoded))
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		attrs := attributes(encoded)
		if len(encoded) > 0 && encoded[0] != '{' && string(encoded) != "null" && len(attrs) == 0 && strings.TrimSpace(string(encoded))[:1] != "{" {
			t.Errorf("%q is lost", encoded)
		}
		slog.New(slog.DiscardHandler).LogAttrs(t.Context(), slog.LevelInfo, "x", attrs...)
	})
}

func FuzzSavedProcess(f *testing.F) {
	f.Add([]byte(`{"pid":1,"identity":"x/1","network":"unix","address":"/d/pc-1/control","protocol":1,"fingerprint":"","loops":1,"dir":"/d/pc-1"}`))
	f.Add([]byte(`{"pid":-1}`))
	f.Add([]byte(`{`))
	path := filepath.Join(f.TempDir(), "mqtt.json")
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if err := os.WriteFile(path, encoded, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := readSaved(path)
		if err != nil {
			return
		}
		c := Config{Instance: "mqtt", Command: []string{"x"}}
		if s.misfit(&c, nil, 1) == "" && (s.Protocol != protocol || s.Loops != 1) {
			t.Errorf("%s fits", encoded)
		}
		if identity(s.PID) != "" && s.PID <= 0 {
			t.Errorf("process %d is one", s.PID)
		}
	})
}

func FuzzOutputIsSplitIntoLines(f *testing.F) {
	f.Add([]byte("a\nb\r\n\n c"), 3)
	f.Add([]byte(strings.Repeat("x", 2*lineMax)+"\ny\n"), 1000)
	f.Fuzz(func(t *testing.T, written []byte, chunk int) {
		l := newLog()
		o := &output{name: "stderr", gate: &gate{}, log: l.logger()}
		for rest := written; len(rest) > 0; {
			n := min(max(chunk, 1), len(rest))
			o.take(time.Unix(1, 0), rest[:n])
			rest = rest[n:]
		}
		var want []string
		for line := range strings.Lines(string(written)) {
			if strings.HasSuffix(line, "\n") && strings.TrimSpace(strings.ToValidUTF8(line[:min(len(line)-1, lineMax)], "?")) != "" {
				want = append(want, line)
			}
		}
		if len(o.lines) != min(len(want), recentLines) {
			t.Errorf("%d lines of %q, want %d", len(o.lines), written, len(want))
		}
		for _, line := range o.lines {
			if len(line) > 3*lineMax || strings.Contains(line, "\n") || !utf8.ValidString(line) {
				t.Errorf("%q is a line", line)
			}
		}
		if len(o.part) > lineMax {
			t.Errorf("%d bytes of a line are kept", len(o.part))
		}
	})
}
