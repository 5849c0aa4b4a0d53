package wsconn

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

const (
	binaryProtocol = "pushcore.v1"
	jsonProtocol   = "pushcore.v1.json"
)

var testPeer = netip.MustParseAddr("192.0.2.1")

func testConfig() Config {
	return Config{Path: "/connect", Subprotocols: []string{binaryProtocol, jsonProtocol}}
}

func newUpgrader(t testing.TB, c Config) *Upgrader {
	t.Helper()
	u, err := NewUpgrader(c)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// goodFields are those of the RFC's own example.
var goodFields = []string{
	"Host: server.example.com",
	"Upgrade: websocket",
	"Connection: Upgrade",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	"Sec-WebSocket-Version: 13",
	"Sec-WebSocket-Protocol: pushcore.v1",
}

// request writes a good request with changed fields: "Name: value" replaces,
// "-Name" removes, "+Name: value" adds. A first change with a space before
// any colon replaces the request line.
func request(changes ...string) string {
	line, fields := "GET /connect HTTP/1.1", slices.Clone(goodFields)
	for _, change := range changes {
		name, _, _ := strings.Cut(strings.TrimLeft(change, "+-"), ":")
		if before, _, isLine := strings.Cut(change, " HTTP/"); isLine && strings.Contains(before, " ") {
			line = change
			continue
		}
		if change[0] != '+' {
			fields = slices.DeleteFunc(fields, func(f string) bool { return strings.HasPrefix(f, name+":") })
		}
		if change[0] != '-' {
			fields = append(fields, strings.TrimPrefix(change, "+"))
		}
	}
	return line + "\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
}

// outcome is how a handshake ended.
type outcome struct {
	req     *Request
	refusal *Refusal
	rest    string
}

// handshakeInPieces feeds input in pieces of the sizes that next gives, each in
// a buffer that is overwritten afterwards.
func handshakeInPieces(t testing.TB, u *Upgrader, peer netip.Addr, input string, next func() int) outcome {
	t.Helper()
	var h Handshake
	for len(input) > 0 {
		n := max(1, min(next(), len(input)))
		in := []byte(input[:n])
		input = input[n:]
		req, rest, err := h.Feed(u, peer, in)
		if len(h.Kept()) > u.headBytesMax {
			t.Fatalf("%d bytes kept, the bound is %d", len(h.Kept()), u.headBytesMax)
		}
		if err == nil && req == nil {
			for i := range in {
				in[i] = 'X'
			}
			continue
		}
		var refusal *Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("Feed returned %T, want *Refusal", err)
		}
		o := outcome{req, refusal, string(rest) + input}
		if refusal != nil {
			o.rest = ""
		}
		if h.Kept() != nil {
			t.Fatal("bytes kept after the end of the handshake")
		}
		if req, rest, err := h.Feed(u, peer, []byte(request())); req != nil || rest != nil || err != nil {
			t.Fatal("the handshake goes on after its end")
		}
		return o
	}
	return outcome{}
}

// handshake feeds input whole, byte by byte and in chops, and fails unless all
// end alike.
func handshake(t testing.TB, u *Upgrader, peer netip.Addr, input string, seed uint64) outcome {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 2))
	whole := handshakeInPieces(t, u, peer, input, func() int { return len(input) })
	for how, next := range map[string]func() int{
		"byte by byte": func() int { return 1 },
		"in chops":     func() int { return 1 + random.IntN(64) },
		"in halves":    func() int { return len(input)/2 + 1 },
	} {
		got := handshakeInPieces(t, u, peer, input, next)
		if fmt.Sprintf("%+v%+v", got.req, got.refusal) != fmt.Sprintf("%+v%+v", whole.req, whole.refusal) || got.rest != whole.rest {
			t.Fatalf("fed %s: %+v %v\nwhole: %+v %v\ninput %q", how, got.req, got.refusal, whole.req, whole.refusal, input)
		}
	}
	return whole
}

func TestRequestIsBounded(t *testing.T) {
	c := testConfig()
	c.HeadBytesMax = 1000
	u := newUpgrader(t, c)
	bare := len(request("X: "))
	for _, size := range []int{999, 1000} {
		input := request("X: " + strings.Repeat("x", size-bare))
		if got := handshake(t, u, testPeer, input+"frames", 1); got.req == nil || got.rest != "frames" {
			t.Errorf("request of %d bytes: %v, rest %q", len(input), got.refusal, got.rest)
		}
	}
	for _, size := range []int{1001, 100000} {
		input := request("X: " + strings.Repeat("x", size-bare))
		if got := handshake(t, u, testPeer, input, 1); got.refusal == nil || got.refusal.Status != 431 {
			t.Errorf("request of %d bytes: %+v %v, want 431", len(input), got.req, got.refusal)
		}
	}
	endless := handshake(t, u, testPeer, strings.Repeat("\r\n", 1000), 1)
	if endless.refusal == nil || endless.refusal.Status != 431 {
		t.Errorf("endless empty lines: %v, want 431", endless.refusal)
	}
}

func TestHalfReadRequestIsHandedOver(t *testing.T) {
	u := newUpgrader(t, testConfig())
	input := request()
	for cut := range len(input) {
		var before, after Handshake
		if req, _, err := before.Feed(u, testPeer, []byte(input[:cut])); req != nil || err != nil {
			t.Fatal(req, err)
		}
		if req, _, err := after.Feed(u, testPeer, before.Kept()); req != nil || err != nil {
			t.Fatal(req, err)
		}
		if req, rest, err := after.Feed(u, testPeer, []byte(input[cut:]+"x")); req == nil || string(rest) != "x" {
			t.Fatalf("cut at %d: rest %q, %v", cut, rest, err)
		}
	}
}

func FuzzHandshake(f *testing.F) {
	u := newUpgrader(f, Config{HeadBytesMax: 600, Subprotocols: []string{binaryProtocol, jsonProtocol},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	f.Add(request()+"rest", uint64(1))
	f.Add(request("GET http://h/connect?q HTTP/1.1", "Origin: http://h", "X-Forwarded-For: 198.51.100.1, 192.0.2.7"), uint64(2))
	f.Add(request("Forwarded: for=\"[2001:db8::1]:1\";proto=https, for=unknown", "Cookie: a", "+Cookie: b"), uint64(3))
	f.Add("\r\n\r\nGET / HTTP/1.0\r\n\r\n", uint64(4))
	f.Add("\x16\x03\x01", uint64(5))
	f.Fuzz(func(t *testing.T, input string, seed uint64) {
		got := handshake(t, u, testPeer, input, seed)
		if got.req == nil {
			return
		}
		// What we accept, the standard library must read the same way.
		parsed, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.TrimLeft(input, "\r\n"))))
		if err != nil {
			if strings.Contains(err.Error(), "malformed HTTP version") {
				return // HTTP/1.2 is nothing it knows.
			}
			t.Fatalf("accepted what net/http does not: %v\n%q", err, input)
		}
		if parsed.Method != "GET" || parsed.ContentLength != 0 || parsed.Host != got.req.Host || parsed.Header.Get("Origin") != got.req.Origin {
			t.Fatalf("net/http reads %+v, we %+v", parsed, got.req)
		}
	})
}

func BenchmarkHandshake(b *testing.B) {
	u := newUpgrader(b, testConfig())
	input := []byte(request("Origin: http://server.example.com", "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Accept: */*", "Accept-Language: en-US,en;q=0.5", "Accept-Encoding: gzip, deflate, br, zstd", "Pragma: no-cache", "Cache-Control: no-cache"))
	response := make([]byte, 0, 512)
	b.SetBytes(int64(len(input)))
	b.ReportAllocs()
	for b.Loop() {
		var h Handshake
		req, _, err := h.Feed(u, testPeer, input)
		if err != nil {
			b.Fatal(err)
		}
		response = req.AppendResponse(response[:0])
	}
}
