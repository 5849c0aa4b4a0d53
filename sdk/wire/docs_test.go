package wire

import (
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// The page that implementers in other languages work from must not say other
// things than the code does.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows returns the cells of the first table whose head begins with the cells.
func rows(t *testing.T, head ...string) [][]string {
	t.Helper()
	_, table, found := strings.Cut(page(t), "| "+strings.Join(head, " | ")+" |")
	if !found {
		t.Fatalf("docs/wire.md has no table %q", head)
	}
	var rows [][]string
	for i, line := range strings.Split(table, "\n") {
		if i < 2 {
			continue // The rest of the head and the ruler.
		}
		if !strings.HasPrefix(line, "| ") {
			break
		}
		rows = append(rows, strings.Split(strings.TrimSuffix(line[2:], " |"), " | "))
	}
	return rows
}

// blocks returns the fenced blocks of a language.
func blocks(t *testing.T, language string) []string {
	var found []string
	for _, part := range strings.Split(page(t), "```"+language+"\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		found = append(found, block)
	}
	return found
}

func TestPageHasTheRegistryOfCodes(t *testing.T) {
	var want [][]string
	for _, info := range codes {
		status := "-"
		if info.HTTP != 0 {
			status = strconv.Itoa(info.HTTP)
		}
		want = append(want, []string{strconv.Itoa(int(info.Code)), info.Name, info.Reconnect.String(),
			fmt.Sprintf("0x%02X", info.MQTT), status, info.Meaning})
	}
	got := rows(t, "code", "name", "reconnect", "MQTT 5", "HTTP", "meaning")
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %q", want[i])
		case i >= len(want):
			t.Errorf("not in the registry: %q", got[i])
		case !reflect.DeepEqual(got[i], want[i]):
			t.Errorf("\n got %q\nwant %q", got[i], want[i])
		}
	}
}

func TestPageHasTheTypesOfFrames(t *testing.T) {
	table := rows(t, "type", "frame", "from", "says")
	if len(table) != int(TypeClose) {
		t.Errorf("%d types, want %d", len(table), TypeClose)
	}
	for _, row := range table {
		number, err := strconv.Atoi(row[0])
		if err != nil || !strings.HasPrefix(row[1], "["+Type(number).String()+"](") {
			t.Errorf("row %q: type %d is %s", row, number, Type(number))
		}
	}
}

func TestPageHasTheLimits(t *testing.T) {
	limits := map[string]int{
		"a CONNECT":                             ConnectBytesMax,
		"token, user name, password":            CredentialBytesMax,
		"session":                               SessionTokenMax,
		"id of a user, device, group; platform": IDBytesMax,
		"id of a PUSH or SEND":                  MessageIDBytesMax,
		"name of a message, a client, its version, a codec": NameBytesMax,
		"text":         TextBytesMax,
		"address":      AddressBytesMax,
		"header name":  HeaderNameBytesMax,
		"header value": HeaderValueBytesMax,
		"headers of a frame, names and values together": HeaderBytesMax,
		"headers of a frame, wanted headers":            HeadersMax,
		"codecs":                                        CodecsMax,
		"groups of a CONNECT":                           JoinGroupsMax,
		"ranges of an ACK":                              AckRangesMax,
	}
	if PlatformBytesMax != IDBytesMax {
		t.Error("the page says that ids and platform have one limit")
	}
	for _, row := range rows(t, "what", "most") {
		want, ok := limits[row[0]]
		if !ok {
			continue
		}
		delete(limits, row[0])
		number, _, _ := strings.Cut(row[1], " ")
		if got, err := strconv.Atoi(strings.ReplaceAll(number, ",", "")); err != nil || got != want {
			t.Errorf("%s: %s, want %d", row[0], row[1], want)
		}
	}
	for what := range limits {
		t.Errorf("%s: missing", what)
	}
	if text := fmt.Sprintf("%d,%03d,%03d by default", FrameBytesDefault/1_000_000, FrameBytesDefault/1000%1000, FrameBytesDefault%1000); !strings.Contains(page(t), text) {
		t.Errorf("the page does not say %q", text)
	}
}

func TestPageHasExamplesThatAreCanonical(t *testing.T) {
	seen := map[Type]bool{}
	for _, block := range blocks(t, "json") {
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			kind, err := TypeOfJSON([]byte(line))
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			seen[kind] = true
			frame := New(kind)
			if err := frame.ParseJSON([]byte(line)); err != nil {
				t.Errorf("%s: %v", line, err)
			} else if got := string(frame.AppendJSON(nil)); got != line {
				t.Errorf("\n got %s\nwant %s", line, got)
			}
		}
	}
	for kind := TypeConnect; kind <= TypeClose; kind++ {
		if !seen[kind] {
			t.Errorf("no example of %s", kind)
		}
	}
}

func TestPageHasAConnectionByteByByte(t *testing.T) {
	want := []string{
		`{"type":"connect","version":1,"user":"alice"}`,
		`{"type":"accept","session":"q80=","epoch":1,"heartbeat_ms":30000,"uplink_bytes_max":65536,"window":64,"remember_ids":1024,"user":"alice"}`,
		`{"type":"push","seq":300,"id":"m1","name":"hi","from_group":"g1","payload":"hell"}`,
		`{"type":"ack","seq":300}`,
	}
	var stream []byte
	for line := range strings.Lines(blocks(t, "hex")[0]) {
		digits, _, _ := strings.Cut(line, "   ")
		b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(digits), " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		stream = append(stream, b...)
	}
	for _, text := range want {
		frame, rest, err := SplitFrame(stream, ConnectBytesMax)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		stream = rest
		parsed := New(Type(frame[0]))
		if err := parsed.Parse(frame); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := string(parsed.AppendJSON(nil)); got != text {
			t.Errorf("\n got %s\nwant %s", got, text)
		}
	}
	if len(stream) != 0 {
		t.Errorf("% x is left", stream)
	}
}
