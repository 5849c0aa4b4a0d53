package wire

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// addressVector is one line of testdata/address.txt.
type addressVector struct {
	line      int
	input     string
	want      Address
	canonical string
	fault     AddressFault // "": valid
	nearest   string
}

func addressVectors(t testing.TB) []addressVector {
	t.Helper()
	file, err := os.ReadFile("testdata/address.txt")
	if err != nil {
		t.Fatal(err)
	}
	text := func(line int, s string) (decoded string) {
		if err := json.Unmarshal([]byte(s), &decoded); err != nil {
			t.Fatalf("address.txt:%d: %s: %v", line, s, err)
		}
		return decoded
	}
	var vectors []addressVector
	for i, line := range strings.Split(string(file), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		v := addressVector{line: i + 1}
		columns := strings.Split(line, "\t")
		v.input = text(v.line, columns[0])
		if columns[1] == "error" {
			v.fault, v.nearest = AddressFault(columns[2]), text(v.line, columns[3])
		} else {
			v.want.Kind = Kind(slices.Index(kindNames, columns[1]))
			v.want.ID, v.want.Device = text(v.line, columns[2]), text(v.line, columns[3])
			v.canonical = text(v.line, columns[4])
		}
		vectors = append(vectors, v)
	}
	return vectors
}

func TestParseAddressAgreesWithTheVectors(t *testing.T) {
	seen := map[AddressFault]bool{}
	for _, v := range addressVectors(t) {
		got, err := ParseAddress(v.input)
		if v.fault == "" {
			if err != nil || got != v.want {
				t.Errorf("address.txt:%d: %q: got %#v, %v", v.line, v.input, got, err)
			}
			if got.String() != v.canonical {
				t.Errorf("address.txt:%d: canonical form %q, want %q", v.line, got, v.canonical)
			}
			continue
		}
		seen[v.fault] = true
		var failed *AddressError
		if !errors.As(err, &failed) || failed.Fault != v.fault || failed.Nearest != v.nearest {
			t.Errorf("address.txt:%d: %q: got %#v, error %v", v.line, v.input, got, err)
		}
		if got != (Address{}) {
			t.Errorf("address.txt:%d: %q: an error together with %#v", v.line, v.input, got)
		}
	}
	for _, fault := range []AddressFault{EmptyAddress, MissingKind, UnknownKind, TenantReserved, EmptyID, LongID,
		MissingDevice, RawSlash, RawSpace, RawComma, BadEscape, BadUTF8, ControlCharacter} {
		if !seen[fault] {
			t.Errorf("address.txt has no vector for %s", fault)
		}
	}
}

func TestParseAddressRefusesRawBytesThatAreNotUTF8(t *testing.T) {
	if _, err := ParseAddress("user:\xff"); !errors.Is(err, BadUTF8) {
		t.Errorf("got %v", err)
	}
}

func TestAddressErrorIsOneClearLine(t *testing.T) {
	tests := []struct{ list, want string }{
		{"user:a, usr:b", `address 2 "usr:b": has an unknown kind; addresses are user:ID, device:USER/DEVICE, group:ID or all; did you mean "user"?`},
		{"acme/user:a", `address 1 "acme/user:a": names a tenant; TENANT/kind:id is reserved and not in this version`},
		{"user:a,,user:b", `address 2 "": is empty; addresses are user:ID, device:USER/DEVICE, group:ID or all`},
		{"user:a\nb", `address 1 "user:a\nb": has a control character in an id`},
		{"user:" + strings.Repeat("x", 300), `address 1 "user:` + strings.Repeat("x", 59) + `"...: has an id of more than 255 bytes`},
	}
	for _, test := range tests {
		_, err := ParseList(test.list)
		if err == nil || err.Error() != test.want {
			t.Errorf("%.40q:\n got %v\nwant %s", test.list, err, test.want)
		}
	}
}

func TestEveryFaultExplainsItself(t *testing.T) {
	for _, fault := range []AddressFault{EmptyAddress, MissingKind, UnknownKind, TenantReserved, EmptyID, LongID, MissingDevice,
		RawSlash, RawSpace, RawComma, BadEscape, BadUTF8, ControlCharacter, TooManyAddresses} {
		if text := fault.Error(); text == string(fault) || !strings.Contains(text, " ") {
			t.Errorf("%s says %q", fault, text)
		}
	}
}

func TestKindStringOfNoKindIsInvalid(t *testing.T) {
	if got := (Address{}).String(); got != "invalid" {
		t.Errorf("got %q", got)
	}
	if got := Kind(9).String(); got != "invalid" {
		t.Errorf("got %q", got)
	}
}

func TestParseAddressDoesNotAllocateWithoutEscapes(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _, _ = ParseAddress("device:alice/phone") }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	dst := make([]byte, 0, 64)
	a := Address{Kind: Device, ID: "alice", Device: "my phone"}
	if n := testing.AllocsPerRun(100, func() { dst = a.AppendTo(dst[:0]) }); n != 0 {
		t.Errorf("AppendTo: %v allocations, want 0", n)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, v := range addressVectors(f) {
		f.Add(v.input)
	}
	f.Add("user:\xff")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.String())
		if err != nil || again != a {
			t.Fatalf("%q parses as %#v, whose form %q parses as %#v, %v", s, a, a, again, err)
		}
		if again.String() != a.String() {
			t.Fatalf("the canonical form of %q is not stable: %q, %q", s, a, again)
		}
		listed, err := ParseList(" " + a.String() + "\t,all")
		if err != nil || len(listed) != 2 || listed[0] != a {
			t.Fatalf("%q in a list parses as %#v, %v", a, listed, err)
		}
	})
}

func BenchmarkParseAddress(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ParseAddress("device:alice/phone")
	}
}
