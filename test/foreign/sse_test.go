package foreign

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/wire"
)

// startSSE starts the plugin on two loops, which listen, and returns a device.
func startSSE(t *testing.T, options string) (*process, *page) {
	t.Helper()
	dir := sse(t)
	p := launch(t, dir, need(t, "node"), dir+"/main.js")
	endpoints := p.open(2, options)
	for _, k := range p.links {
		k.command(sdk.Command{Kind: sdk.CommandListen, Listen: &sdk.Listen{MaxUnauthenticated: 100, ConnectTimeout: patience}})
	}
	return p, newPage(t, endpoints[0])
}

const anyPort = `{"listen":"127.0.0.1:0"}`

// asked returns the next Connect, on whichever link it comes.
func (p *process) asked() (*link, sdk.Event) {
	p.t.Helper()
	late := time.After(patience)
	for {
		for _, k := range p.links {
			for i, r := range k.waiting {
				if r.Kind == pluginrpc.Kind(sdk.EventConnect) {
					k.waiting = append(k.waiting[:i], k.waiting[i+1:]...)
					e, err := r.Event()
					if err != nil {
						p.t.Fatal(err)
					}
					return k, e
				}
			}
		}
		var r *pluginrpc.Record
		var k *link
		select {
		case r = <-p.links[0].received:
			k = p.links[0]
		case r = <-p.links[1].received:
			k = p.links[1]
		case <-late:
			p.t.Fatal("no Connect comes")
		}
		if r == nil {
			p.t.Fatalf("a link has ended: %v", k.err)
		}
		k.waiting = append(k.waiting, r)
	}
}

var token = []byte{1, 2, 3, 0xff}

// accept lets a connection in, on loop 1, and takes its first event.
func (p *process) accept(from *link, e sdk.Event, s *page, a sdk.Accept) *link {
	p.t.Helper()
	a.Owner, a.Token, a.Epoch, a.MaxUplink = 1, token, 7, 1000
	from.command(sdk.Command{Kind: sdk.CommandAccept, Conn: e.Conn, Accept: &a})
	k := p.links[1]
	if got := k.event(sdk.EventAttached); got.Conn != e.Conn {
		p.t.Fatalf("attached is %d, want %d", got.Conn, e.Conn)
	}
	if first := s.next(); first.name != "pushcore:accept" {
		p.t.Fatalf("first event %+v", first)
	}
	return k
}

// enter brings a device into a session.
func (p *process) enter(s *page, query string, header ...string) (*link, sdk.ConnID) {
	p.t.Helper()
	answered := s.stream(query, header...)
	from, e := p.asked()
	k := p.accept(from, e, s, sdk.Accept{User: "alice"})
	if r := await(p.t, answered, "the stream"); r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
		p.t.Fatalf("status %d, %v", r.StatusCode, r.Header)
	}
	return k, e.Conn
}

const session = "AQID_w" // token, as the device sees it

func TestSSEConnectSaysWhoAsks(t *testing.T) {
	p, s := startSSE(t, `{"listen":"127.0.0.1:0","cookie":"tok"}`)
	for _, tt := range []struct {
		name, query string
		header      []string
		want        sdk.Connect
	}{
		{"nothing", "", nil, sdk.Connect{}},
		{"claims", "?user=alice&device=d&platform=web&group=a&group=b&window=5&header=x", nil,
			sdk.Connect{User: "alice", Device: "d", Platform: "web", Groups: []string{"a", "b"}, Window: 5, Headers: []string{"x"}}},
		{"query", "?token=abc", nil, sdk.Connect{Credentials: sdk.Credentials{Kind: sdk.CredentialQuery, Token: "abc"}}},
		{"bearer", "?token=no", []string{"Authorization", "Bearer e30.x"}, sdk.Connect{Credentials: sdk.Credentials{Kind: sdk.CredentialBearer, Token: "e30.x"}}},
		{"basic", "", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("a:b:c"))},
			sdk.Connect{Credentials: sdk.Credentials{Kind: sdk.CredentialBasic, User: "a", Password: "b:c"}}},
		{"cookie", "", []string{"Cookie", "x=1; tok=a%2Fb"}, sdk.Connect{Credentials: sdk.Credentials{Kind: sdk.CredentialCookie, Token: "a/b"}}},
		{"resume", "", []string{"Last-Event-ID", session + ".7.300"}, sdk.Connect{Resume: &sdk.Resume{Token: token, Epoch: 7, Seq: 300}}},
		{"an id that is not ours", "", []string{"Last-Event-ID", "42"}, sdk.Connect{}},
	} {
		answered := s.stream(tt.query, tt.header...)
		k, e := p.asked()
		c := *e.Connect
		if len(c.Meta) == 0 || c.Meta[0] != (sdk.Meta{Name: sdk.MetaTransport, Value: "sse"}) {
			t.Errorf("%s: meta %v", tt.name, c.Meta)
		}
		c.Meta = nil
		got, _ := json.Marshal(c)
		if want, _ := json.Marshal(tt.want); string(got) != string(want) {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
		k.command(sdk.Command{Kind: sdk.CommandReject, Conn: e.Conn, Code: uint16(wire.CodeUnauthorized)})
		await(t, answered, "the refusal")
		k.event(sdk.EventClosed)
	}
	p.close()
}

func TestSSERejectIsAStatus(t *testing.T) {
	p, s := startSSE(t, anyPort)
	for _, info := range wire.Codes() {
		if info.Uses&wire.InReject == 0 || info.HTTP == 0 {
			continue
		}
		answered := s.stream("")
		k, e := p.asked()
		k.command(sdk.Command{Kind: sdk.CommandReject, Conn: e.Conn, Code: uint16(info.Code), Text: "why",
			Reconnect: wire.Reconnect{Rule: wire.ReconnectAfter, AfterMS: 2500}})
		r := await(t, answered, "the refusal")
		if r.StatusCode != info.HTTP || r.Header.Get("Retry-After") != "3" {
			t.Errorf("%s: status %d, retry after %q", info.Name, r.StatusCode, r.Header.Get("Retry-After"))
		}
		if c := k.event(sdk.EventClosed); c.Conn != e.Conn {
			t.Errorf("closed %+v", c)
		}
	}
	p.close()
}

func TestSSEDelivers(t *testing.T) {
	p, s := startSSE(t, anyPort)
	k, conn := p.enter(s, "")
	k.deliver(sdk.Batch{
		Messages: []sdk.Message{
			{ID: "m1", Name: "order", Payload: []byte("one\ntwo")},
			{ID: "m2", Payload: []byte{}, FromGroup: "chat.42", Position: 9, Class: sdk.Fast},
			{ID: "m3", Name: "bin", Payload: []byte{0xff, 0}},
			{ID: "m4", Payload: []byte("a\r\nb")},
		},
		Items: []sdk.Item{{Conn: conn, Seq: 1}, {Conn: conn, Message: 1}, {Conn: conn, Seq: 2, Message: 2}, {Conn: conn, Seq: 300, Message: 3}, {Conn: conn + 1}},
	})
	k.carriedOut()
	for _, want := range []sseEvent{
		{session + ".7.1", "order", "one\ntwo", map[string]string{"push-id": "m1"}},
		{"", "", "", map[string]string{"push-id": "m2", "push-group": "chat.42", "push-position": "9"}},
		{session + ".7.2", "bin;base64", "/wA=", map[string]string{"push-id": "m3"}},
		{session + ".7.300", "message;base64", "YQ0KYg==", map[string]string{"push-id": "m4"}},
	} {
		if got := s.next(); !reflect.DeepEqual(got, want) {
			t.Errorf("event %+v, want %+v", got, want)
		}
	}
	p.close()
}

func TestSSEAcksAndAnswers(t *testing.T) {
	p, s := startSSE(t, anyPort)
	k, conn := p.enter(s, "")
	for path, want := range map[string]uint64{"/ack?session=" + session + "&seq=5": 5, "/ack?id=" + session + ".7.6": 6} {
		if status, body := s.post(path, ""); status != http.StatusNoContent {
			t.Fatalf("%s: %d %s", path, status, body)
		}
		if e := k.event(sdk.EventAck); e.Conn != conn || e.Seq != want || e.By != sdk.AckByDevice {
			t.Errorf("ack %+v, want %d", e, want)
		}
	}
	s.post("/nack?session="+session+"&seq=7&retry_after_ms=1500", "")
	if e := k.event(sdk.EventNack); e.Seq != 7 || e.RetryAfter != 1500*time.Millisecond || e.Final {
		t.Errorf("nack %+v", e)
	}
	for path, want := range map[string]int{
		"/ack?session=xx&seq=1":                http.StatusNotFound,
		"/ack?session=" + session + "&seq=x":   http.StatusBadRequest,
		"/ack?id=" + session + ".8.6":          http.StatusBadRequest, // Another epoch's.
		"/nothing?session=" + session + "&x=1": http.StatusNotFound,
	} {
		if status, _ := s.post(path, ""); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
	k.none(sdk.EventAck)
	p.close()
}

func TestSSEUplinksAndJoinsAreAnswered(t *testing.T) {
	p, s := startSSE(t, anyPort)
	k, conn := p.enter(s, "")
	type answer struct {
		status int
		body   string
	}
	send := func(path, body string) <-chan answer {
		c := make(chan answer, 1)
		go func() {
			status, text := s.post(path, body, "Content-Type", "text/plain")
			c <- answer{status, text}
		}()
		return c
	}
	sent := send("/send?session="+session+"&name=order&uplink_id=u1", "hello")
	e := k.event(sdk.EventUplink)
	if e.Conn != conn || e.ID != "u1" || e.Name != "order" || string(e.Payload) != "hello" || len(e.Headers) != 1 || string(e.Headers[0].Value) != "text/plain" {
		t.Errorf("uplink %+v", e)
	}
	k.command(sdk.Command{Kind: sdk.CommandUplinkResult, Conn: conn, ID: "u1"})
	if a := await(t, sent, "the answer"); a.status != http.StatusOK || a.body != `{"id":"u1"}` {
		t.Errorf("answer %+v", a)
	}
	sent = send("/send?session="+session, "again")
	e = k.event(sdk.EventUplink)
	k.command(sdk.Command{Kind: sdk.CommandUplinkResult, Conn: conn, ID: e.ID, Code: uint16(wire.CodeUnavailable), Retryable: true})
	if a := await(t, sent, "the answer"); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `"retryable":true`) {
		t.Errorf("answer %+v", a)
	}
	sent = send("/send?session="+session+"&uplink_id=u2&wait=0", "no answer is waited for")
	k.event(sdk.EventUplink)
	if a := await(t, sent, "the answer"); a.status != http.StatusAccepted {
		t.Errorf("answer %+v", a)
	}
	k.command(sdk.Command{Kind: sdk.CommandUplinkResult, Conn: conn, ID: "u2"})
	if e := s.next(); e.name != "pushcore:sent" || e.data != `{"id":"u2"}` {
		t.Errorf("event %+v", e)
	}
	if a := await(t, send("/send?session="+session, strings.Repeat("x", 1001)), "the answer"); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("answer to what is too long %+v", a)
	}
	joined := send("/join?session="+session+"&group=chat.42&position=3", "")
	if e := k.event(sdk.EventJoin); e.Group != "chat.42" || e.Position != 3 {
		t.Errorf("join %+v", e)
	}
	k.command(sdk.Command{Kind: sdk.CommandJoinResult, Conn: conn, Group: "chat.42", Position: 9, Gap: true})
	if a := await(t, joined, "the answer"); a.status != http.StatusOK || a.body != `{"group":"chat.42","position":9,"gap":true}` {
		t.Errorf("answer %+v", a)
	}
	lost := send("/send?session="+session, "nobody answers")
	k.event(sdk.EventUplink)
	k.command(sdk.Command{Kind: sdk.CommandClose, Conn: conn, Code: uint16(wire.CodeGoingAway)})
	if a := await(t, lost, "the answer"); a.status != http.StatusServiceUnavailable {
		t.Errorf("answer after the end %+v", a)
	}
	p.close()
}

func TestSSEUplinksWaitForCreditAndPause(t *testing.T) {
	p, s := startSSE(t, anyPort)
	k, conn := p.enter(s, "")
	k.flush(nil, pluginrpc.Credit{})
	k.carriedOut()
	statuses := make(chan int, 2)
	go func() {
		status, _ := s.post("/send?session="+session+"&uplink_id=u", "hello")
		statuses <- status
	}()
	s.post("/ack?session="+session+"&seq=1", "") // Acks need no credit.
	k.event(sdk.EventAck)
	k.flush(nil, pluginrpc.Credit{}) // None still.
	k.carriedOut()
	k.write(pluginrpc.AppendCredit(nil, pluginrpc.Credit{Bytes: 5}))
	k.event(sdk.EventUplink)
	k.command(sdk.Command{Kind: sdk.CommandUplinkResult, Conn: conn, ID: "u"}, sdk.Command{Kind: sdk.CommandPause, Conn: conn})
	await(t, statuses, "the answer")
	k.carriedOut()
	go func() {
		status, _ := s.post("/ack?session="+session+"&seq=2", "")
		statuses <- status
	}()
	k.command(sdk.Command{Kind: sdk.CommandResume, Conn: conn})
	if e := k.event(sdk.EventAck); e.Seq != 2 {
		t.Errorf("ack %+v", e)
	}
	await(t, statuses, "the answer")
	p.close()
}

func TestSSESlowSocketIsCongestedThenWritable(t *testing.T) {
	p, s := startSSE(t, anyPort)
	c := deaf(t, s.base+"/events")
	from, e := p.asked()
	from.command(sdk.Command{Kind: sdk.CommandAccept, Conn: e.Conn, Accept: &sdk.Accept{Owner: 1, Token: token, Epoch: 7}})
	k := p.links[1]
	k.event(sdk.EventAttached)
	big := sdk.Message{ID: "m", Payload: bytes.Repeat([]byte("x"), 1<<20)}
	congested := func() bool {
		for _, r := range k.waiting {
			if r.Kind == pluginrpc.Kind(sdk.EventCongested) {
				return true
			}
		}
		return false
	}
	seq := uint64(0)
	for ; seq < 64 && !congested(); seq++ { // The kernel takes a few megabytes.
		k.deliver(sdk.Batch{Messages: []sdk.Message{big}, Items: []sdk.Item{{Conn: e.Conn, Seq: seq + 1}}})
		k.carriedOut()
		k.command()
		k.carriedOut() // Another turn, for what follows the first.
	}
	if got := k.event(sdk.EventCongested); got.Conn != e.Conn || got.Queued <= 0 {
		t.Fatalf("congested %+v", got)
	}
	read := make(chan int)
	go func() {
		n := 0
		for b := make([]byte, 1<<16); n < int(seq)<<20; {
			m, err := c.Read(b)
			if n += m; err != nil {
				break
			}
		}
		read <- n
	}()
	k.event(sdk.EventWritable)
	if n := await(t, read, "all of it"); n < int(seq)<<20 {
		t.Errorf("%d bytes came of %d messages", n, seq)
	}
	k.none(sdk.EventClosed)
	p.close()
}

func TestSSEAcksByWriteIfToldTo(t *testing.T) {
	p, s := startSSE(t, `{"listen":"127.0.0.1:0","ack":"write"}`)
	k, conn := p.enter(s, "?format=json")
	k.deliver(sdk.Batch{Messages: []sdk.Message{{ID: "m", Name: "n", Payload: []byte("é")}}, Items: []sdk.Item{{Conn: conn, Seq: 4}}})
	if e := k.event(sdk.EventAck); e.Seq != 4 || e.By != sdk.AckByWrite {
		t.Errorf("ack %+v", e)
	}
	if e := s.next(); e.id != session+".7.4" || e.name != "n" || e.data != `{"id":"m","name":"n","class":"reliable","payload":"é"}` {
		t.Errorf("event %+v", e)
	}
	p.close()
}

func TestSSETerminalCloseStopsTheBrowser(t *testing.T) {
	p, s := startSSE(t, anyPort)
	for _, tt := range []struct {
		code  wire.Code
		again int // what a browser that comes back by itself gets; 0: it is asked about
	}{{wire.CodeGoingAway, 0}, {wire.CodeTakenOver, 0}, {wire.CodeKicked, http.StatusNoContent}} {
		k, conn := p.enter(s, "")
		k.command(sdk.Command{Kind: sdk.CommandClose, Conn: conn, Code: uint16(tt.code), Text: "enough"})
		if e := s.next(); e.name != "pushcore:close" || !strings.Contains(e.data, `"text":"enough"`) {
			t.Errorf("event %+v", e)
		}
		s.ended()
		if e := k.event(sdk.EventClosed); e.Conn != conn || e.Code != uint16(tt.code) {
			t.Errorf("closed %+v", e)
		}
		answered := s.stream("", "Last-Event-ID", session+".7.1")
		if tt.again == 0 {
			k, e := p.asked()
			k.command(sdk.Command{Kind: sdk.CommandReject, Conn: e.Conn, Code: uint16(wire.CodeOverloaded)})
			await(t, answered, "the refusal")
			k.event(sdk.EventClosed)
		} else if r := await(t, answered, "an answer"); r.StatusCode != tt.again {
			t.Errorf("code %d: status %d, want %d", tt.code, r.StatusCode, tt.again)
		}
	}
	p.close()
}

func TestSSEDeviceThatGoesIsClosedOnce(t *testing.T) {
	p, s := startSSE(t, anyPort)
	k, conn := p.enter(s, "")
	_ = s.body.Close()
	if e := k.event(sdk.EventClosed); e.Conn != conn || e.Code != 0 {
		t.Errorf("closed %+v", e)
	}
	k.command(sdk.Command{Kind: sdk.CommandClose, Conn: conn, Code: uint16(wire.CodeKicked)}) // Late.
	k.carriedOut()
	k.none(sdk.EventClosed)
	p.close()
}

func TestSSEOtherSitesStayOut(t *testing.T) {
	dir := sse(t)
	p := launch(t, dir, need(t, "node"), dir+"/main.js")
	s := newPage(t, p.open(2, `{"listen":"127.0.0.1:0","origins":["https://good.example"]}`)[0])
	p.links[0].command(sdk.Command{Kind: sdk.CommandListen, Listen: &sdk.Listen{LoopbackOnly: true}})
	for origin, in := range map[string]bool{
		"https://evil.example": false, "null": false, "http://localhost.evil.example": false,
		"https://good.example": true, "http://localhost:3000": true, "": true,
	} {
		header := []string{"Origin", origin}
		if origin == "" {
			header = nil
		}
		answered := s.stream("", header...)
		if in {
			k, e := p.asked()
			k.command(sdk.Command{Kind: sdk.CommandReject, Conn: e.Conn, Code: uint16(wire.CodeOverloaded)})
		}
		r := await(t, answered, "an answer")
		if r == nil || in == (r.StatusCode == http.StatusForbidden) {
			t.Errorf("origin %q: %v", origin, r)
		}
	}
	p.close()
}

func TestSSEStopListeningKeepsWhoIsThere(t *testing.T) {
	p, s := startSSE(t, anyPort)
	k, conn := p.enter(s, "")
	for _, k := range p.links {
		k.command(sdk.Command{Kind: sdk.CommandStopListening})
		k.carriedOut()
	}
	if _, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(s.base + "/events"); err == nil {
		t.Error("a connection was taken")
	}
	k.deliver(sdk.Batch{Messages: []sdk.Message{{ID: "m", Payload: []byte("still here")}}, Items: []sdk.Item{{Conn: conn, Seq: 1}}})
	if e := s.next(); e.data != "still here" {
		t.Errorf("event %+v", e)
	}
	p.close()
}

func TestSSECloseTellsEverybody(t *testing.T) {
	p, s := startSSE(t, anyPort)
	k, _ := p.enter(s, "")
	p.close()
	if e := s.next(); e.name != "pushcore:close" {
		t.Errorf("event %+v", e)
	}
	if e := k.event(sdk.EventClosed); e.Code != uint16(wire.CodePluginRestart) {
		t.Errorf("closed %+v", e)
	}
	if err := k.end(); err != io.EOF {
		t.Errorf("the link ended with %v", err)
	}
}
