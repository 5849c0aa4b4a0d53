package node

import (
	"net/http"
	"testing"

	"github.com/pushcore/pushcore/sdk/wire"
)

const withGroups = listeners + `
groups:
  - { match: "room.*", join: device }
  - { match: "staff", join: backend, members_max: 2 }
`

func TestDeviceJoinsAndLeavesAGroup(t *testing.T) {
	n := start(t, withGroups)
	a, b := n.user("alice", ""), n.user("bob", "")
	for _, d := range []*device{a, b} {
		d.send(&wire.Join{Group: "room.1"})
		if j := expect[wire.Joined](d); j.Group != "room.1" || j.Code != 0 {
			t.Fatalf("joined: %+v", j)
		}
	}
	n.push("all here", "push-to", "group:room.1")
	for _, d := range []*device{a, b} {
		if p := d.gets("all here")[0]; string(p.FromGroup) != "room.1" || len(p.FromUser) != 0 {
			t.Errorf("from %q %q, want the group", p.FromUser, p.FromGroup)
		}
	}
	b.send(&wire.Leave{Group: "room.1"})
	n.until("bob to have left", func() bool { return n.joined("room.1") == 1 }, func() string { return "" })
	n.push("alice alone", "push-to", "group:room.1")
	n.push("not for alice", "push-to", "group:room.1,user:bob", "push-except", "user:alice")
	a.gets("alice alone")
	b.gets("not for alice")
}

// joined is the number of a group's joined sessions.
func (n *node) joined(group string) int {
	_, answer := n.call(http.MethodGet, "/v1/groups/"+group, "")
	return decode[struct{ Joined int }](n.t, answer).Joined
}

func TestDeviceMayNotJoinWhatIsTheBackends(t *testing.T) {
	n := start(t, withGroups)
	d := n.connect(wire.Connect{User: "alice", Groups: []string{"staff"}})
	if j := expect[wire.Joined](d); j.Group != "staff" || j.Code != wire.CodeForbidden {
		t.Errorf("joined: %+v, want forbidden", j)
	}
	d.send(&wire.Join{Group: "unruled"})
	if j := expect[wire.Joined](d); j.Code != wire.CodeForbidden {
		t.Errorf("joined: %+v, want forbidden", j)
	}
}

func TestMemberUserGetsGroupMessagesWhileAway(t *testing.T) {
	n := start(t, withGroups)
	for _, user := range []string{"alice", "a b"} {
		path := "/v1/groups/staff/members/" + (wire.Address{Kind: wire.User, ID: user}).String()[len("user:"):]
		for range 2 { // Idempotent.
			if status, answer := n.call(http.MethodPut, path, ""); status != http.StatusNoContent {
				t.Fatalf("PUT %s: %d %s", path, status, answer)
			}
		}
	}
	_, answer := n.call(http.MethodGet, "/v1/groups/staff", "")
	if g := decode[struct{ Members []string }](t, answer); len(g.Members) != 2 || g.Members[0] != "a b" || g.Members[1] != "alice" {
		t.Errorf("members: %s", answer)
	}
	n.push("minutes", "push-to", "group:staff")
	n.user("alice", "").gets("minutes")
	n.user("a b", "").gets("minutes")
	if status, answer := n.call(http.MethodDelete, "/v1/groups/staff/members/alice", ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, answer)
	}
	if status, answer := n.call(http.MethodDelete, "/v1/groups/staff", ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, answer)
	}
	_, answer = n.call(http.MethodGet, "/v1/groups/staff", "")
	if g := decode[struct{ Members []string }](t, answer); len(g.Members) != 0 {
		t.Errorf("members after dissolving: %s", answer)
	}
}

func TestMemberWithAJoinedSessionGetsAMessageOnce(t *testing.T) {
	n := start(t, withGroups)
	d := n.connect(wire.Connect{User: "alice", Device: "phone", Groups: []string{"room.1"}})
	expect[wire.Joined](d)
	n.call(http.MethodPut, "/v1/groups/room.1/members/alice", "")
	n.push("once", "push-to", "group:room.1,user:alice,device:alice/phone,all")
	n.push("mark", "push-to", "user:alice")
	d.gets("once", "mark")
}

func TestGroupOfARoomLargerThanABatch(t *testing.T) {
	n := start(t, withGroups)
	var devices []*device
	for range 40 {
		d := n.connect(wire.Connect{User: "u" + string(rune('a'+len(devices)%26)), Groups: []string{"room.1"}})
		expect[wire.Joined](d)
		devices = append(devices, d)
	}
	for _, text := range []string{"1", "2", "3"} {
		n.push(text, "push-to", "group:room.1", "push-class", "fast")
	}
	for _, d := range devices {
		d.sees("1", "2", "3")
	}
	n.fated("120", "fast", "sent", "")
}
