package node

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pushcore/pushcore/sdk/wire"
)

func TestPushReachesTheDeviceWithItsHeaders(t *testing.T) {
	n := start(t, listeners)
	d := n.connect(wire.Connect{User: "alice", Headers: []string{"content-type", "x-other"}})
	answer := n.push("hello", "push-to", "user:alice", "push-id", "greeting-1", "push-name", "greeting", "content-type", "text/plain", "x-other", "kept back")
	got := d.gets("hello")[0]
	if answer.ID != "greeting-1" || string(got.ID) != "greeting-1" || string(got.Name) != "greeting" || string(got.FromUser) != "alice" || got.Seq != 1 {
		t.Errorf("answer %+v, message %+v", answer, got)
	}
	if len(got.Headers) != 1 || string(got.Headers[0].Name) != "content-type" || string(got.Headers[0].Value) != "text/plain" {
		t.Errorf("forwarded %q, want content-type alone: the other is not in delivery.forward_headers", got.Headers)
	}
	n.fated("1", "reliable", "acked", "")
}

func TestAnswerSaysHowAPushIsSafe(t *testing.T) {
	for kind, stored := range map[string]string{"disk": "stored", "memory": "memory"} {
		t.Run(kind, func(t *testing.T) {
			testHowSafe(t, start(t, listeners+"store: { kind: "+kind+" }\n"), stored)
		})
	}
}

func testHowSafe(t *testing.T, n *node, stored string) {
	d := n.user("alice", "")
	for _, c := range []struct {
		name, want string
		ack        bool
		headers    []string
	}{
		{"acked in time", "acked", true, []string{"push-to", "user:alice"}},
		{"not acked in time", stored, false, []string{"push-to", "user:alice"}},
		{"nobody there", stored, false, []string{"push-to", "user:bob"}},
		{"fast", "none", false, []string{"push-to", "user:alice", "push-class", "fast"}},
		{"nobody in the group", "none", false, []string{"push-to", "group:empty"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers := make(chan string, 1)
			go func() {
				_, answer, _ := n.try(http.MethodPost, "/v1/push", c.name, c.headers...)
				answers <- string(answer)
			}()
			if c.ack {
				d.gets(c.name)
			}
			if got := <-answers; !strings.Contains(got, `"safe":"`+c.want+`"`) {
				t.Errorf("got %s, want safe %s", got, c.want)
			}
		})
	}
}

func TestRefusedPushNamesItsFault(t *testing.T) {
	n := start(t, listeners)
	if p := n.refused(http.StatusBadRequest, "bad_record", "push-to", "user:a", "push-tll", "5s"); !strings.Contains(p.Detail, "push-ttl") {
		t.Errorf("the detail %q does not name the nearest header", p.Detail)
	}
	if p := n.refused(http.StatusBadRequest, "bad_address", "push-to", "usr:a"); !strings.Contains(p.Detail, "user") || p.Field != "push-to" {
		t.Errorf("field %q, detail %q", p.Field, p.Detail)
	}
	n.refused(http.StatusBadRequest, "bad_record")
	n.refused(http.StatusBadRequest, "bad_record", "push-to", "user:a", "push-class", "quick")
	n.refused(http.StatusBadRequest, "bad_record", "push-to", "user:a", "push-ttl", "90")
	n.refused(http.StatusBadRequest, "bad_record", "push-to", "user:a", "push-receipt", "final") // No instance takes receipts.
	n.push("one", "push-to", "user:a", "push-id", "x")
	status, answer := n.call(http.MethodPost, "/v1/push", "another", "push-to", "user:a", "push-id", "x")
	if status != http.StatusConflict || decode[pushed](t, answer).Code != "id_conflict" {
		t.Errorf("an id with another body: %d %s", status, answer)
	}
	status, answer = n.call(http.MethodPost, "/v1/push", strings.Repeat("x", 1<<20+1), "push-to", "user:a")
	if status != http.StatusRequestEntityTooLarge || decode[pushed](t, answer).Code != "too_large" {
		t.Errorf("a body above the limit: %d %s", status, answer)
	}
}

func TestRepeatedPushIsDeliveredOnce(t *testing.T) {
	n := start(t, listeners)
	d := n.user("alice", "")
	for range 3 {
		n.push("once", "push-to", "user:alice", "push-id", "order-42-shipped")
	}
	n.push("after", "push-to", "user:alice")
	d.gets("once", "after")
	n.fated("2", "reliable", "acked", "")
}

func TestBatchAnswersLineByLine(t *testing.T) {
	n := start(t, listeners)
	d := n.user("alice", "")
	status, answer := n.call(http.MethodPost, "/v1/push/batch", strings.Join([]string{
		`{"to":"user:alice","payload":"text"}`,
		`{"to":"user:alice","payload":{"k":1}}`,
		`{"to":"nobody:x","payload":"bad address"}`,
		`not JSON`,
		``,
		`{"to":"user:alice","payload_base64":"AP8=","class":"fast","id":"f"}`,
	}, "\n"))
	results := decode[struct{ Results []struct{ pushed } }](t, answer).Results
	if status != http.StatusOK || len(results) != 5 {
		t.Fatalf("%d %s", status, answer)
	}
	for i, code := range []string{"", "", "bad_address", "bad_record", ""} {
		if results[i].Code != code {
			t.Errorf("line %d: code %q (%s), want %q", i+1, results[i].Code, results[i].Detail, code)
		}
	}
	d.gets("text", `{"k":1}`)
	d.gets("\x00\xff")
}

func TestReceiversAreTheUnionLessTheExclusions(t *testing.T) {
	n := start(t, listeners)
	phone := n.connect(wire.Connect{User: "alice", Device: "phone", Platform: "ios"})
	desk := n.connect(wire.Connect{User: "alice", Device: "desk", Platform: "linux"})
	bob := n.connect(wire.Connect{User: "bob", Device: "b/1", Platform: "ios"})
	all := []*device{phone, desk, bob}
	for _, c := range []struct {
		name    string
		headers []string
		to      []*device
	}{
		{"every device of a user", []string{"push-to", "user:alice"}, []*device{phone, desk}},
		{"one device", []string{"push-to", "device:bob/b%2F1"}, []*device{bob}},
		{"union without repeats", []string{"push-to", "user:alice, device:alice/desk", "push-to", "user:bob"}, all},
		{"everybody but a user", []string{"push-to", "all", "push-except", "user:bob"}, []*device{phone, desk}},
		{"a user but a device", []string{"push-to", "user:alice", "push-except", "device:alice/phone"}, []*device{desk}},
		{"one platform", []string{"push-to", "all", "push-platform", "ios"}, []*device{phone, bob}},
	} {
		n.push(c.name, c.headers...)
		n.push("mark", "push-to", "all") // What comes before it has come.
		for _, d := range all {
			want := []string{"mark"}
			for _, to := range c.to {
				if to == d {
					want = []string{c.name, "mark"}
				}
			}
			d.gets(want...)
		}
	}
	n.push("nobody", "push-to", "user:bob", "push-platform", "android")
	n.fated("1", "reliable", "dropped", "no_device")
}

func TestFastMessageHasNoNumberAndIsNotKept(t *testing.T) {
	n := start(t, listeners)
	n.push("lost", "push-to", "user:alice", "push-class", "fast")
	n.fated("1", "fast", "dropped", "no_session")
	d := n.user("alice", "")
	n.push("quick", "push-to", "user:alice", "push-class", "fast")
	if p := d.sees("quick")[0]; p.Seq != 0 {
		t.Errorf("a fast message has the number %d", p.Seq)
	}
	n.fated("1", "fast", "sent", "")
}

func TestTTLZeroIsForWhoIsThere(t *testing.T) {
	n := start(t, listeners)
	n.push("missed", "push-to", "user:alice", "push-ttl", "0")
	d := n.user("alice", "")
	n.push("now", "push-to", "user:alice", "push-ttl", "0")
	d.gets("now")
}

func TestMessageExpires(t *testing.T) {
	n := start(t, listeners)
	n.push("short-lived", "push-to", "user:alice", "push-ttl", "60ms")
	n.fated("1", "reliable", "expired", "")
	d := n.user("alice", "")
	n.push("lasting", "push-to", "user:alice")
	d.gets("lasting")
}

func TestNewerMessageReplacesOneNotYetSent(t *testing.T) {
	n := start(t, listeners)
	d := n.connect(wire.Connect{User: "alice", Window: 1})
	n.push("first", "push-to", "user:alice") // Fills the window.
	for _, p := range []string{"price 1", "price 2", "price 3"} {
		n.push(p, "push-to", "user:alice", "push-collapse", "price")
	}
	d.gets("first")
	d.gets("price 3")
	n.fated("2", "reliable", "dropped", "collapsed")
}

func TestFirstAckOfAUserWithdrawsFromHisOtherDevices(t *testing.T) {
	n := start(t, listeners)
	phone, desk := n.user("alice", "phone"), n.user("alice", "desk")
	bob := n.user("bob", "b")
	n.push("ring", "push-to", "user:alice,user:bob", "push-ack", "any")
	desk.sees("ring")
	phone.gets("ring")
	n.fated("1", "reliable", "withdrawn", "")
	bob.gets("ring") // Another user's is his own.
	n.fated("2", "reliable", "acked", "")
}

func TestWithdrawnMessageIsNotDelivered(t *testing.T) {
	n := start(t, listeners)
	n.push("offer", "push-to", "user:alice", "push-id", "offer-7")
	n.push("", "push-op", "withdraw", "push-id", "offer-7")
	n.fated("1", "reliable", "withdrawn", "")
	d := n.user("alice", "")
	n.push("news", "push-to", "user:alice")
	d.gets("news")
}
