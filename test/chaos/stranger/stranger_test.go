package stranger

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vector is a frame of the protocol's test vectors, both as JSON and in hex.
type vector struct {
	name  string
	json  map[string]any
	frame []byte
}

// vectors reads a file that the protocol's page names. Only the files are shared with the node, not a line of code.
func vectors(t *testing.T, file string) (list []vector) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "sdk", "wire", "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var v vector
	in := bufio.NewScanner(f)
	in.Buffer(nil, 4<<20)
	for in.Scan() {
		key, value, _ := strings.Cut(in.Text(), ":")
		switch value = strings.TrimSpace(value); key {
		case "name":
			v = vector{name: value}
		case "json":
			if err := json.Unmarshal([]byte(value), &v.json); err != nil {
				t.Fatal(err)
			}
		case "hex":
			if v.frame, err = hex.DecodeString(strings.ReplaceAll(value, " ", "")); err != nil {
				t.Fatal(err)
			}
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		t.Fatalf("no vectors in %s", file)
	}
	return list
}

func (v *vector) text(name string) string {
	s, _ := v.json[name].(string)
	return s
}

func (v *vector) number(name string) uint64 {
	n, _ := v.json[name].(float64)
	return uint64(n)
}

func (v *vector) fields() *fields { return &fields{rest: v.frame[1:]} }

func TestAcceptVectors(t *testing.T) {
	for _, v := range vectors(t, "accept.txt") {
		a, err := parseAccept(v.fields())
		resumed, _ := v.json["resumed"].(bool)
		if err != nil || a.resumed != resumed || base64.StdEncoding.EncodeToString([]byte(a.session)) != v.text("session") || a.user != v.text("user") ||
			a.heartbeatMS != v.number("heartbeat_ms") || a.window != v.number("window") || float64(a.epoch) != float64(v.number("epoch")) {
			t.Errorf("%s: %+v, %v", v.name, a, err)
		}
	}
}

func TestPushVectors(t *testing.T) {
	for _, v := range vectors(t, "push.txt") {
		p, err := parsePush(v.fields())
		if compressed, _ := v.json["compressed"].(bool); compressed {
			if err == nil {
				t.Errorf("%s: taken, though no codec was named", v.name)
			}
			continue
		}
		payload := v.text("payload")
		if b, err := base64.StdEncoding.DecodeString(v.text("payload_base64")); err == nil && len(b) > 0 {
			payload = string(b)
		}
		if err != nil || p.ID != v.text("id") || p.Payload != payload || float64(p.Seq) != float64(v.number("seq")) {
			t.Errorf("%s: %+v, %v", v.name, p, err)
		}
	}
}

func TestAckVectors(t *testing.T) {
	for _, v := range vectors(t, "ack.txt") {
		var behind []uint64
		ranges, _ := v.json["ranges"].([]any)
		for _, r := range ranges {
			pair := r.([]any)
			first, last := pair[0].(float64), pair[1].(float64)
			for n := first; n <= last && len(behind) < 100_000; n++ {
				behind = append(behind, uint64(n))
			}
		}
		if len(behind) == 100_000 {
			continue // A range as long as the numbers go; a device has no such window.
		}
		if got := ackFrame(v.number("seq"), behind); !bytes.Equal(got, v.frame) {
			t.Errorf("%s: %x, want %x", v.name, got, v.frame)
		}
	}
}

func TestFarewellVectors(t *testing.T) {
	rules := map[byte]string{0: "yes", 1: "no", 2: "after", 3: "elsewhere"}
	for _, file := range []string{"close.txt", "reject.txt"} {
		for _, v := range vectors(t, file) {
			w, err := parseFarewell(v.fields())
			if err != nil || w.code != v.number("code") || w.text != v.text("text") || rules[w.rule] != v.text("reconnect") || w.afterMS != v.number("after_ms") {
				t.Errorf("%s: %+v, %v", v.name, w, err)
			}
		}
	}
	for _, v := range vectors(t, "move.txt") {
		if within, err := parseMove(v.fields()); err != nil || within != v.number("within_ms") {
			t.Errorf("%s: %d, %v", v.name, within, err)
		}
	}
}

func TestConnectAsOnThePage(t *testing.T) {
	want := "010100" + "08" + hex.EncodeToString([]byte("stranger")) + "0131" + "05" + hex.EncodeToString([]byte("alice")) + "00" + "000000" + "00" + "0000" + "02abcd" + "01" + "ac02"
	h := hello{user: "alice", session: "\xab\xcd", epoch: 1, lastSeq: 300}
	if got := hex.EncodeToString(h.frame()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAcksGoAroundWhatIsOpen(t *testing.T) {
	var a acks
	for seq := range uint64(5) {
		a.came(seq + 1)
	}
	for _, step := range []struct {
		ack, floor uint64
		behind     []uint64
	}{{2, 0, []uint64{2}}, {1, 2, nil}, {5, 2, []uint64{5}}, {3, 3, []uint64{5}}, {3, 3, []uint64{5}}, {4, 5, nil}} {
		a.ack(step.ack)
		if a.floor != step.floor || !slices.Equal(a.behind, step.behind) {
			t.Errorf("after %d: up to %d and %v", step.ack, a.floor, a.behind)
		}
	}
	a.came(5)
	a.came(9)
	a.ack(9)
	if a.floor != 9 {
		t.Errorf("waits for missing numbers: %d", a.floor)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte{6, 1, 1, 0, 1, 'm', 'x'})
	f.Add([]byte{2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, frame []byte) {
		for _, parse := range []func(*fields){
			func(f *fields) { _, _ = parsePush(f) }, func(f *fields) { _, _ = parseAccept(f) },
			func(f *fields) { _, _ = parseFarewell(f) }, func(f *fields) { _, _ = parseMove(f) },
		} {
			parse(&fields{rest: frame})
		}
	})
}
