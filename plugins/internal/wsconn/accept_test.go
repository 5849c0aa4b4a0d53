package wsconn

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestHandshakeOfTheRFC(t *testing.T) {
	u := newUpgrader(t, testConfig())
	got := handshake(t, u, testPeer, request(
		"GET /connect?user=a%20b&x HTTP/1.1",
		"Origin: http://server.example.com", "Cookie: a=1", "+Cookie: b=2", "Authorization: Bearer t", "User-Agent: test/1",
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
	)+"frames", 1)
	if got.req == nil {
		t.Fatal(got.refusal)
	}
	want := Request{Subprotocol: binaryProtocol, Path: "/connect", RawQuery: "user=a%20b&x", Host: "server.example.com",
		Origin: "http://server.example.com", Cookie: "a=1; b=2", Authorization: "Bearer t", UserAgent: "test/1", key: got.req.key}
	if *got.req != want {
		t.Errorf("got  %+v\nwant %+v", *got.req, want)
	}
	if got.rest != "frames" {
		t.Errorf("rest %q, want the frames behind the request", got.rest)
	}
	response := string(got.req.AppendResponse([]byte("before ")))
	if want := "before HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: pushcore.v1\r\n\r\n"; response != want {
		t.Errorf("response %q, want %q", response, want)
	}
}

func TestHandshakeIsAccepted(t *testing.T) {
	u := newUpgrader(t, testConfig())
	for name, input := range map[string]string{
		"lists and cases":                 request("Upgrade: other, WebSocket", "Connection: keep-alive, UPGRADE"),
		"repeated list fields":            request("Connection: keep-alive", "+Connection: upgrade", "Upgrade: h2c", "+Upgrade: websocket"),
		"names in any case":               strings.Replace(request(), "Sec-WebSocket-Key", "sEC-wEBSOCKET-kEY", 1),
		"no space behind the colon":       strings.ReplaceAll(request(), ": ", ":"),
		"much space around values":        request("Sec-WebSocket-Version:  \t13 \t"),
		"empty lines before":              "\r\n\r\n" + request(),
		"absolute URI":                    request("GET http://other.example/connect HTTP/1.1"),
		"absolute URI of WebSocket":       request("GET ws://other.example:7200/connect?x HTTP/1.1"),
		"escaped path":                    request("GET /con%6eect HTTP/1.1"),
		"later minor version":             request("GET /connect HTTP/1.2"),
		"no body":                         request("Content-Length: 0"),
		"unknown fields":                  request("X-Anything: \xe9\xff", "X-Empty:", "A-Name-That-Is-Longer-Than-Any-That-Matters: x"),
		"empty elements among protocols":  request("Sec-WebSocket-Protocol: , ,pushcore.v1,"),
		"nonsense in extensions":          request("Sec-WebSocket-Extensions: ;;==,,"),
		"address as host":                 request("Host: [2001:db8::1]:7200"),
		"no Origin: not a web page":       request("-Origin"),
		"Origin with the default port":    request("Host: a.example", "Origin: https://a.example:443"),
		"Host with the default port":      request("Host: a.example:443", "Origin: https://a.example"),
		"same host in other cases":        request("Host: A.example", "Origin: https://a.EXAMPLE"),
		"same host on a port of its own":  request("Host: a.example:7200", "Origin: http://a.example:7200"),
		"Origin with an IPv6 address":     request("Host: [::1]:7200", "Origin: http://[0:0::1]:7200"),
		"unknown subprotocols among them": request("Sec-WebSocket-Protocol: chat, pushcore.v1.json"),
	} {
		if got := handshake(t, u, testPeer, input, 1); got.req == nil {
			t.Errorf("%s: %v\n%q", name, got.refusal, input)
		}
	}
}

func TestHandshakeIsRefused(t *testing.T) {
	u := newUpgrader(t, testConfig())
	for _, c := range []struct {
		name, input string
		status      int
		code        string
	}{
		{"no HTTP", "hello\r\n\r\n", 400, "bad_request"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad_request"},
		{"binary protocol", "\x00\x00\x00\x05hello", 400, "bad_request"},
		{"lines without CR", strings.ReplaceAll(request(), "\r\n", "\n"), 400, "bad_request"},
		{"CR without LF", request("X: a\rb"), 400, "bad_request"},
		{"NUL", request("X: a\x00b"), 400, "bad_request"},
		{"delete", request("X: a\x7fb"), 400, "bad_request"},
		{"two spaces", request("GET  /connect HTTP/1.1"), 400, "bad_request"},
		{"space behind the version", request("GET /connect HTTP/1.1 "), 400, "bad_request"},
		{"no target", request("GET HTTP/1.1"), 400, "bad_request"},
		{"lower case version", strings.Replace(request(), "HTTP", "http", 1), 400, "bad_request"},
		{"fragment", request("GET /connect#x HTTP/1.1"), 400, "bad_request"},
		{"asterisk", request("GET * HTTP/1.1"), 400, "bad_request"},
		{"wrong escape", request("GET /%zz HTTP/1.1"), 400, "bad_request"},
		{"other scheme", request("GET ftp://a/connect HTTP/1.1"), 400, "bad_request"},
		{"user in the URI", request("GET http://u@a/connect HTTP/1.1"), 400, "bad_request"},
		{"HTTP/1.0", request("GET /connect HTTP/1.0"), 505, "http_version"},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version"},
		{"folded field", request("X: a\r\n b"), 400, "bad_request"},
		{"space before the colon", request("X : a"), 400, "bad_request"},
		{"no colon", request("X"), 400, "bad_request"},
		{"no name", request("+: a"), 400, "bad_request"},
		{"no Host", request("-Host"), 400, "bad_request"},
		{"empty Host", request("Host: "), 400, "bad_request"},
		{"two Hosts", request("+Host: other"), 400, "bad_request"},
		{"URI as Host", request("Host: http://a"), 400, "bad_request"},
		{"wrong port", request("Host: a:99999"), 400, "bad_request"},
		{"wrong IPv6", request("Host: [::1"), 400, "bad_request"},
		{"IPv6 and rubbish", request("Host: [::1]x"), 400, "bad_request"},
		{"other path", request("GET /other HTTP/1.1"), 404, "path_not_found"},
		{"path below", request("GET /connect/x HTTP/1.1"), 404, "path_not_found"},
		{"root by absolute URI", request("GET http://a?connect HTTP/1.1"), 404, "path_not_found"},
		{"POST", request("POST /connect HTTP/1.1"), 405, "method_not_allowed"},
		{"HEAD", request("HEAD /connect HTTP/1.1"), 405, "method_not_allowed"},
		{"body", request("Content-Length: 5"), 400, "bad_request"},
		{"two lengths", request("Content-Length: 0", "+Content-Length: 5"), 400, "bad_request"},
		{"chunked body", request("Transfer-Encoding: chunked"), 400, "bad_request"},
		{"plain GET", request("-Upgrade", "-Connection"), 426, "upgrade_required"},
		{"no Upgrade", request("-Upgrade"), 426, "upgrade_required"},
		{"other Upgrade", request("Upgrade: h2c"), 426, "upgrade_required"},
		{"no Connection", request("-Connection"), 426, "upgrade_required"},
		{"other Connection", request("Connection: keep-alive, upgraded"), 426, "upgrade_required"},
		{"no version", request("-Sec-WebSocket-Version"), 400, "bad_request"},
		{"old version", request("Sec-WebSocket-Version: 8"), 426, "websocket_version"},
		{"version with a zero", request("Sec-WebSocket-Version: 013"), 426, "websocket_version"},
		{"two versions", request("+Sec-WebSocket-Version: 8"), 400, "bad_request"},
		{"no key", request("-Sec-WebSocket-Key"), 400, "bad_request"},
		{"short key", request("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"), 400, "bad_request"},
		{"key of 24 bytes that is no base64", request("Sec-WebSocket-Key: !GhlIHNhbXBsZSBub25jZQ=="), 400, "bad_request"},
		{"two keys", request("+Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400, "bad_request"},
		{"other Origin", request("Origin: https://evil.example"), 403, "origin_not_allowed"},
		{"other port", request("Host: a.example:1", "Origin: https://a.example:2"), 403, "origin_not_allowed"},
		{"host in another scheme", request("Host: a.example", "Origin: file://a.example"), 403, "origin_not_allowed"},
		{"null Origin", request("Origin: null"), 403, "origin_not_allowed"},
		{"empty Origin", request("Origin: "), 403, "origin_not_allowed"},
		{"two Origins", request("Origin: http://server.example.com", "+Origin: http://server.example.com"), 400, "bad_request"},
		{"no subprotocol", request("-Sec-WebSocket-Protocol"), 400, "subprotocol_required"},
		{"other subprotocol", request("Sec-WebSocket-Protocol: mqtt"), 400, "subprotocol_required"},
		{"subprotocol in another case", request("Sec-WebSocket-Protocol: PUSHCORE.V1"), 400, "subprotocol_required"},
		{"malformed subprotocol", request("Sec-WebSocket-Protocol: pushcore.v1 x"), 400, "bad_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := handshake(t, u, testPeer, c.input, 1)
			if got.refusal == nil {
				t.Fatalf("accepted or undecided: %+v", got.req)
			}
			if got.refusal.Status != c.status || got.refusal.Code != c.code {
				t.Errorf("%v, want %d %s", got.refusal, c.status, c.code)
			}
			checkResponse(t, c.input, got.refusal)
		})
	}
}

// checkResponse reads a refusal as an HTTP client does.
func checkResponse(t *testing.T, input string, refusal *Refusal) {
	t.Helper()
	method, _, _ := strings.Cut(input, " ")
	response := refusal.AppendResponse(nil)
	reader := bufio.NewReader(bytes.NewReader(response))
	parsed, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%v: %q", err, response)
	}
	body, err := io.ReadAll(parsed.Body)
	if err != nil || reader.Buffered() > 0 || !parsed.Close || parsed.StatusCode != refusal.Status {
		t.Errorf("%v: %q", err, response)
	}
	switch refusal.Status {
	case http.StatusMethodNotAllowed:
		if parsed.Header.Get("Allow") != "GET" {
			t.Errorf("405 without Allow: %q", response)
		}
	case http.StatusUpgradeRequired:
		if parsed.Header.Get("Upgrade") != "websocket" || parsed.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("426 that does not say what to upgrade to: %q", response)
		}
	}
	if method == http.MethodHead {
		if len(body) > 0 {
			t.Errorf("HEAD is answered with a body: %q", response)
		}
		return
	}
	var problem struct {
		Status       int
		Code, Detail string
	}
	if err := json.Unmarshal(body, &problem); err != nil || problem.Status != refusal.Status || problem.Code == "" || problem.Detail == "" {
		t.Errorf("body %q: %v", body, err)
	}
}

func TestFirstOfferedSubprotocolIsChosen(t *testing.T) {
	u := newUpgrader(t, testConfig())
	for offer, want := range map[string]string{
		"pushcore.v1":                        binaryProtocol,
		"pushcore.v1.json":                   jsonProtocol,
		"pushcore.v1, pushcore.v1.json":      binaryProtocol,
		"pushcore.v1.json,pushcore.v1":       jsonProtocol,
		"mqtt, pushcore.v1.json,pushcore.v1": jsonProtocol,
	} {
		got := handshake(t, u, testPeer, request("Sec-WebSocket-Protocol: "+offer), 1)
		if got.req == nil || got.req.Subprotocol != want {
			t.Errorf("offer %q: %+v %v, want %s", offer, got.req, got.refusal, want)
		}
	}
	got := handshake(t, u, testPeer, request("Sec-WebSocket-Protocol: mqtt", "+Sec-WebSocket-Protocol: pushcore.v1.json"), 1)
	if got.req == nil || got.req.Subprotocol != jsonProtocol {
		t.Errorf("offer in two fields: %+v %v", got.req, got.refusal)
	}
}

func TestNoSubprotocolIsNegotiatedIfNoneIsConfigured(t *testing.T) {
	u := newUpgrader(t, Config{})
	for _, input := range []string{request(), request("-Sec-WebSocket-Protocol")} {
		got := handshake(t, u, testPeer, input, 1)
		if got.req == nil || got.req.Subprotocol != "" {
			t.Fatalf("%+v %v", got.req, got.refusal)
		}
		if response := string(got.req.AppendResponse(nil)); strings.Contains(response, "Protocol:") {
			t.Errorf("response %q", response)
		}
	}
}

func TestTransportRefusesByItself(t *testing.T) {
	refusal := &Refusal{Status: 503, Code: "too_many_connections", Detail: "try again", RetryAfterS: 30}
	checkResponse(t, request(), refusal)
	if response := string(refusal.AppendResponse(nil)); !strings.Contains(response, "\r\nRetry-After: 30\r\n") {
		t.Errorf("response %q", response)
	}
	if !strings.Contains(refusal.Error(), "503 too_many_connections") {
		t.Error(refusal.Error())
	}
}

func TestConfigIsValidated(t *testing.T) {
	for want, c := range map[string]Config{
		"HeadBytesMax: 100":     {HeadBytesMax: 100},
		`Path: "connect"`:       {Path: "connect"},
		`Subprotocols[0]: "a b`: {Subprotocols: []string{"a b"}},
		`Subprotocols[1]: "a"`:  {Subprotocols: []string{"a", "a"}},
		`Origins[0]: "app.ex`:   {Origins: []string{"app.example"}},
		`Origins[1]: "https`:    {Origins: []string{"*", "https://app.example/path"}},
		`Origins[2]: "https`:    {Origins: []string{"null", "https://*.a.example", "https://*.*.example"}},
		"TrustedProxies[0]":     {TrustedProxies: []netip.Prefix{{}}},
	} {
		err := c.Validate()
		var mistake *ConfigError
		if !errors.As(err, &mistake) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s...", c, err, want)
		}
	}
	if err := new(Config).Validate(); err != nil {
		t.Errorf("zero Config: %v", err)
	}
}
