package node

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// onDisk is a node with a durable store, which remembers of a session what is stored,
// soon.
const onDisk = listeners + "store: { kind: disk }\nsessions: { resume_window: 100ms }\n"

// crash goes on with what the node's files hold at this moment, as if it had been
// killed: what it does after that is lost.
func (n *node) crash() *node {
	n.t.Helper()
	dir := n.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(n.dir)); err != nil {
		n.t.Fatal(err)
	}
	keys, _ := filepath.Glob(filepath.Join(dir, "*", "keep.key"))
	for _, key := range keys { // A copy is open to others; a key must not be.
		if err := os.Chmod(key, 0o600); err != nil {
			n.t.Fatal(err)
		}
	}
	n.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_ = n.runtime.Stop(ctx) // It is dead for all that matters.
	return startIn(n.t, dir, n.yaml)
}

// alone waits until no session is left.
func (n *node) alone() {
	n.t.Helper()
	n.becomes(`pushcore_sessions{state="attached"}`, "0")
	n.becomes(`pushcore_sessions{state="detached"}`, "0")
}

// platform connects a device of a platform.
func (n *node) platform(user, device, platform string) *device {
	n.t.Helper()
	return n.connect(wire.Connect{User: user, Device: device, Platform: platform})
}

// joins joins a group with a position.
func (d *device) joins(group string, position uint64) *wire.Joined {
	d.t.Helper()
	d.send(&wire.Join{Group: group, Position: position})
	return expect[wire.Joined](d)
}

// TestStoredMessagesOutliveCrashes kills the node after each step of a story; every
// step ends with something that the node has said.
func TestStoredMessagesOutliveCrashes(t *testing.T) {
	t.Run("each device has its own", func(t *testing.T) {
		n := start(t, onDisk)
		n.user("alice", "phone").cut()
		n.user("alice", "pad").cut()
		n.alone()
		n = n.crash()
		n.push("m1", "push-to", "user:alice")
		n = n.crash()
		n.user("alice", "phone").gets("m1")
		n.fated("1", "reliable", "acked", "")
		n = n.crash()
		n.user("alice", "pad").gets("m1")
	})
	t.Run("any of a user's devices withdraws from the others", func(t *testing.T) {
		n := start(t, onDisk)
		n.user("alice", "phone").cut()
		n.user("alice", "pad").cut()
		n.user("bob", "phone").cut()
		n.alone()
		n.push("m1", "push-to", "user:alice,user:bob", "push-ack", "any")
		n = n.crash()
		n.user("alice", "phone").gets("m1")
		n.fated("1", "reliable", "withdrawn", "")
		n = n.crash()
		n.push("m2", "push-to", "user:alice,user:bob")
		n.user("alice", "pad").gets("m2")
		n.user("bob", "phone").gets("m1", "m2")
	})
	t.Run("a placeholder goes to the first device that passes", func(t *testing.T) {
		n := start(t, onDisk)
		n.push("for the web", "push-to", "user:carol", "push-platform", "web")
		n = n.crash()
		n.push("for all", "push-to", "user:carol")
		n = n.crash()
		n.user("carol", "phone").gets("for all")
		n.fated("1", "reliable", "acked", "")
		n = n.crash()
		web := n.platform("carol", "browser", "web")
		web.gets("for the web")
	})
	t.Run("a session without a device id leaves to the next", func(t *testing.T) {
		n := start(t, onDisk)
		d := n.user("dave", "")
		n.push("m1", "push-to", "user:dave")
		d.sees("m1")
		n = n.crash()
		n.user("dave", "").gets("m1")
	})
	t.Run("what was withdrawn stays so", func(t *testing.T) {
		n := start(t, onDisk)
		n.user("erin", "phone").cut()
		n.alone()
		n.push("m1", "push-to", "user:erin", "push-id", "one")
		n = n.crash()
		n.push("", "push-op", "withdraw", "push-id", "one")
		n = n.crash()
		n.push("m2", "push-to", "user:erin")
		n.user("erin", "phone").gets("m2")
	})
	t.Run("members are members", func(t *testing.T) {
		n := start(t, onDisk+"groups: [ { match: room, join: backend } ]\n")
		n.call("PUT", "/v1/groups/room/members/fay", "")
		n = n.crash()
		n.push("m1", "push-to", "group:room")
		n = n.crash()
		n.user("fay", "phone").gets("m1")
		n.call("DELETE", "/v1/groups/room/members/fay", "")
		n = n.crash()
		n.push("m2", "push-to", "group:room")
		n.push("m3", "push-to", "user:fay")
		n.user("fay", "phone").gets("m3")
	})
}

func TestErasedUserStaysErasedOverACrash(t *testing.T) {
	n := start(t, onDisk+"groups: [ { match: room, join: backend } ]\n")
	n.user("alice", "phone").cut()
	n.user("alice", "pad").cut()
	n.alone()
	n.call("PUT", "/v1/groups/room/members/alice", "")
	n.push("m1", "push-to", "user:alice")
	status, answer := n.call("DELETE", "/v1/users/alice", "")
	if got := decode[struct{ Ended int }](t, answer); status != 200 || got.Ended != 2 {
		t.Errorf("erased: %d %s", status, answer)
	}
	n = n.crash()
	n.push("m2", "push-to", "group:room")
	d := n.user("alice", "phone")
	n.push("m3", "push-to", "user:alice")
	d.gets("m3")
	type user struct{ Devices, Groups []any }
	_, answer = n.call("GET", "/v1/users/alice", "")
	if u := decode[user](t, answer); len(u.Devices) != 1 || len(u.Groups) != 0 {
		t.Errorf("after erasing, a crash and a login: %s", answer)
	}
}

func TestForgottenDeviceIsOwedNothingOverACrash(t *testing.T) {
	n := start(t, onDisk)
	n.user("alice", "phone").cut()
	n.user("alice", "pad").cut()
	n.alone()
	n.push("m1", "push-to", "user:alice")
	status, answer := n.call("DELETE", "/v1/users/alice/devices/pad", "")
	if got := decode[struct{ Ended int }](t, answer); status != 200 || got.Ended != 1 {
		t.Errorf("forgotten: %d %s", status, answer)
	}
	n.fated("1", "reliable", "dropped", "device_forgotten")
	n = n.crash()
	n.push("m2", "push-to", "user:alice")
	d := n.user("alice", "pad") // As new: its mailbox begins now.
	n.push("m3", "push-to", "user:alice")
	d.gets("m3")
	n.user("alice", "phone").gets("m1", "m2", "m3")
}

func TestHistoryOutlivesACrash(t *testing.T) {
	n := start(t, onDisk+"groups: [ { match: \"chat.*\", join: device, history: { count: 3, age: 1h } } ]\n")
	for _, text := range []string{"m1", "m2", "m3"} {
		n.push(text, "push-to", "group:chat.1", "push-class", "fast")
	}
	d := n.user("alice", "phone")
	last := d.joins("chat.1", 0)
	n = n.crash()
	d = n.user("alice", "phone")
	if j := d.joins("chat.1", last.Position-2); j.Gap || j.Position != last.Position {
		t.Fatalf("joined: %+v, was %+v", j, last)
	}
	d.sees("m2", "m3")
	n.push("m4", "push-to", "group:chat.1", "push-class", "fast")
	m4 := d.sees("m4")[0]
	n = n.crash()
	d = n.user("alice", "phone")
	if j := d.joins("chat.1", last.Position); j.Gap || j.Position != m4.Position {
		t.Fatalf("joined: %+v, expected no gap from before the first crash", j)
	}
	d.sees("m4")
	if j := d.joins("chat.1", last.Position+1); !j.Gap {
		t.Errorf("joined: %+v at a position that was never given; expected a gap", j)
	}
	d.sees("m4")
	if j := d.joins("chat.1", last.Position-3); !j.Gap {
		t.Errorf("joined: %+v, and the history has only three messages; expected a gap", j)
	}
	d.sees("m2", "m3", "m4")
}
