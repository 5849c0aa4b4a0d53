package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

// resume is what a device asks for that has seen everything up to seq.
func (d *device) resume(seq uint64) wire.Resume {
	return wire.Resume{Session: d.accept.Session, Epoch: d.accept.Epoch, Seq: seq}
}

func TestResumeBringsWhatWasNotSeenBeforeAnythingNew(t *testing.T) {
	n := start(t, listeners)
	d := n.user("alice", "phone")
	n.push("one", "push-to", "user:alice")
	n.push("two", "push-to", "user:alice")
	d.sees("one", "two")
	d.cut()
	n.becomes(`pushcore_sessions{state="detached"}`, "1")
	n.push("three", "push-to", "user:alice")
	again := n.connect(wire.Connect{User: "alice", Device: "phone", Resume: d.resume(1)})
	if !again.accept.Resumed || again.accept.Epoch != d.accept.Epoch {
		t.Errorf("accepted with %+v, want the session resumed in its epoch", again.accept)
	}
	n.push("four", "push-to", "user:alice")
	got := again.gets("two", "three", "four")
	if got[0].Seq != 2 {
		t.Errorf("the message seen before came again with number %d, want 2", got[0].Seq)
	}
	n.fated("4", "reliable", "acked", "")
}

func TestResumeOverTheOtherTransport(t *testing.T) {
	n := start(t, listeners)
	got := make(chan string, 10)
	states := make(chan client.State, 100)
	link := &cutter{}
	c, err := client.Dial(t.Context(), client.Config{
		URLs: []string{n.urls["tcp"], n.urls["ws"]}, User: "alice", Device: "phone", Dial: link.dial,
		Handler: func(_ context.Context, m client.Message) error { got <- string(m.Payload); return nil },
		OnState: func(s client.State) { states <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	n.push("by stream", "push-to", "user:alice")
	receive(t, got, "by stream")
	link.cut()
	n.push("in between", "push-to", "user:alice")
	receive(t, got, "in between")
	var connected []client.State
	for len(connected) < 2 {
		if s := <-states; s.Phase == client.Connected {
			connected = append(connected, s)
		}
	}
	if connected[0].URL != n.urls["tcp"] || connected[1].URL != n.urls["ws"] || !connected[1].Resumed {
		t.Errorf("connected as %+v, want a resume over the other transport", connected)
	}
	n.fated("2", "reliable", "acked", "")
}

// cutter dials, and cuts what it dialed last.
type cutter struct {
	mu   sync.Mutex // guards last
	last net.Conn
}

func (c *cutter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	c.mu.Lock()
	c.last = conn
	c.mu.Unlock()
	return conn, err
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.last.Close()
}

func receive(t *testing.T, from <-chan string, want string) {
	t.Helper()
	select {
	case got := <-from:
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("%q does not come", want)
	}
}

func TestUnknownSessionBeginsAnew(t *testing.T) {
	n := start(t, listeners)
	d := n.connect(wire.Connect{User: "alice", Device: "phone", Resume: wire.Resume{Session: []byte("of another life"), Epoch: 3, Seq: 9}})
	if d.accept.Resumed {
		t.Error("a session was resumed that never was")
	}
	n.push("hello", "push-to", "user:alice")
	d.gets("hello")
}

func TestSessionOutlivesItsWindowInTheStore(t *testing.T) {
	n := start(t, listeners+"sessions: { resume_window: 50ms }\n")
	d := n.user("alice", "phone")
	n.push("unseen", "push-to", "user:alice")
	d.sees("unseen")
	d.cut()
	n.becomes(`pushcore_sessions{state="attached"}`, "0") // First: the node has noticed.
	n.becomes(`pushcore_sessions{state="detached"}`, "0")
	again := n.connect(wire.Connect{User: "alice", Device: "phone", Resume: d.resume(0)})
	if again.accept.Resumed {
		t.Error("the session was resumed after its window")
	}
	if p := again.gets("unseen")[0]; p.Seq != 1 {
		t.Errorf("the new session begins with number %d", p.Seq)
	}
	n.fated("1", "reliable", "acked", "")
}

func TestResumeTakesOverAnOpenConnection(t *testing.T) {
	n := start(t, listeners)
	old := n.user("alice", "phone")
	again := n.connect(wire.Connect{User: "alice", Device: "phone", Resume: old.resume(0)})
	if !again.accept.Resumed {
		t.Error("not resumed")
	}
	old.closed(wire.CodeTakenOver)
	n.push("hello", "push-to", "user:alice")
	again.gets("hello")
}

func TestNewLoginOfADeviceReplacesItsSession(t *testing.T) {
	n := start(t, listeners)
	old := n.user("alice", "phone")
	n.user("alice", "phone")
	if c := old.closed(wire.CodeReplaced); c.Reconnect.Rule != wire.ReconnectNo {
		t.Errorf("the replaced device may reconnect: %+v", c.Reconnect)
	}
	n.becomes(`pushcore_sessions{state="attached"}`, "1")
}

func TestKickClosesForGood(t *testing.T) {
	n := start(t, listeners)
	phone, desk, bob := n.user("alice", "phone"), n.user("alice", ""), n.user("bob", "")
	status, answer := n.call(http.MethodDelete, "/v1/users/alice/sessions", "")
	if status != http.StatusOK || string(answer) != `{"kicked":2}`+"\n" {
		t.Errorf("%d %s", status, answer)
	}
	for _, d := range []*device{phone, desk} {
		if c := d.closed(wire.CodeKicked); c.Reconnect.Rule != wire.ReconnectNo {
			t.Errorf("the kicked device may reconnect: %+v", c.Reconnect)
		}
	}
	n.push("still here", "push-to", "user:bob")
	bob.gets("still here")
}

func TestEraseForgetsAUser(t *testing.T) {
	n := start(t, listeners)
	d := n.user("alice", "phone")
	d.cut()
	n.becomes(`pushcore_sessions{state="detached"}`, "1")
	n.push("kept", "push-to", "user:alice")
	n.call(http.MethodPut, "/v1/groups/staff/members/alice", "")
	if status, answer := n.call(http.MethodDelete, "/v1/users/alice", ""); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	n.fated("1", "reliable", "dropped", "user_erased")
	_, answer := n.call(http.MethodGet, "/v1/users/alice", "")
	u := decode[struct {
		Devices, Groups, Sessions []any
		Mailbox                   struct{ Messages int }
	}](t, answer)
	if len(u.Devices)+len(u.Groups)+len(u.Sessions)+u.Mailbox.Messages != 0 {
		t.Errorf("left of the user: %s", answer)
	}
}

func TestSessionsAreListedPageByPage(t *testing.T) {
	n := start(t, listeners)
	for i := range 5 {
		n.connect(wire.Connect{User: fmt.Sprintf("u%d", i), Device: "d", Platform: "ios", Client: "app", ClientVersion: "1.2"})
	}
	type page struct {
		Sessions []struct{ ID, User, Device, Platform, Plugin, Client, State string }
		Next     string
	}
	seen := map[string]bool{}
	for after, pages := "", 0; ; pages++ {
		_, answer := n.call(http.MethodGet, "/v1/sessions?limit=2&after="+after, "")
		p := decode[page](t, answer)
		for _, s := range p.Sessions {
			seen[s.User] = true
			if s.Device != "d" || s.Platform != "ios" || s.Plugin != "tcp" || s.Client != "app 1.2" || s.State != "attached" {
				t.Errorf("session %+v", s)
			}
		}
		if after = p.Next; after == "" || pages > 5 {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("listed %v", seen)
	}
	for query, want := range map[string]int{"user=u3": 1, "user=nobody": 0, "plugin=ws": 0, "plugin=none": 0, "plugin=tcp": 5} {
		_, answer := n.call(http.MethodGet, "/v1/sessions?"+query, "")
		if got := decode[page](t, answer).Sessions; len(got) != want {
			t.Errorf("%s: %d sessions, want %d: %s", query, len(got), want, answer)
		}
	}
	if got := n.metric(`pushcore_sessions_by_client{platform="ios",version="1.2"}`); got != "5" {
		t.Errorf("sessions by client: %q", got)
	}
	if got := n.metric(`pushcore_connections{plugin="tcp"}`); got != "5" {
		t.Errorf("connections: %q", got)
	}
}

func TestUnackedMessageIsSentAgainAndThenTheConnectionGivenUp(t *testing.T) {
	n := start(t, `
node: { loops: 1, drain: { timeout: 1s } }
delivery: { retry: [50ms, 50ms] }
http: { listen: 127.0.0.1:0 }
plugins: { tcp: { config: { listen: 127.0.0.1:0 } } }
`)
	d := n.user("alice", "phone")
	n.push("deaf", "push-to", "user:alice")
	for range 3 {
		if p := d.sees("deaf")[0]; p.Seq != 1 {
			t.Errorf("number %d, want 1 each time", p.Seq)
		}
	}
	d.closed(wire.CodeNoAck)
	n.connect(wire.Connect{User: "alice", Device: "phone", Resume: d.resume(0)}).gets("deaf")
	n.fated("1", "reliable", "acked", "")
}

func TestNackPutsOffOrRefuses(t *testing.T) {
	n := start(t, listeners)
	d := n.user("alice", "phone")
	n.push("later", "push-to", "user:alice")
	n.push("never", "push-to", "user:alice")
	got := d.sees("later", "never")
	d.send(&wire.Nack{Seq: got[0].Seq, RetryAfterMS: 20})
	d.send(&wire.Nack{Seq: got[1].Seq, Final: true})
	d.gets("later")
	n.fated("1", "reliable", "dead", "refused")
	n.fated("1", "reliable", "acked", "")
}

func TestBadFrameEndsTheConnectionOnly(t *testing.T) {
	n := start(t, listeners)
	other := n.user("bob", "")
	for name, bytes := range map[string]string{"unknown type": "\x02\xff\x00", "no frame": "\x00", "endless length": "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		d := n.user("alice", "")
		if _, err := d.conn.Write([]byte(bytes)); err != nil {
			t.Fatal(err)
		}
		if c := expect[wire.Close](d); !c.Code.Terminal() {
			t.Errorf("%s: closed with %d %s, want a terminal code", name, c.Code, c.Code)
		}
	}
	n.push("fine", "push-to", "user:bob")
	other.gets("fine")
}

func TestSessionWithoutADeviceIdLeavesItsMessagesToTheNextLogin(t *testing.T) {
	n := start(t, listeners+"sessions: { resume_window: 50ms }\n")
	d := n.user("alice", "")
	n.push("unseen", "push-to", "user:alice")
	d.sees("unseen")
	d.cut()
	n.becomes(`pushcore_sessions{state="attached"}`, "0")
	n.becomes(`pushcore_sessions{state="detached"}`, "0")
	n.user("alice", "").gets("unseen")
	n.fated("1", "reliable", "acked", "")
}
