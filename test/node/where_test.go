package node

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// where asks where a message is.
func (n *node) where(path string) admin.Whereabouts {
	n.t.Helper()
	status, answer := n.call(http.MethodGet, "/v1/messages"+path, "")
	if status != http.StatusOK {
		n.t.Fatalf("where %s: %d %s", path, status, answer)
	}
	return decode[admin.Whereabouts](n.t, answer)
}

// rows are the rows of the only message, as receiver=fate(where or reason).
func rows(t *testing.T, found admin.Whereabouts) string {
	t.Helper()
	if len(found.Messages) != 1 || found.Incomplete != "" {
		t.Fatalf("found %+v", found)
	}
	text := ""
	for _, r := range found.Messages[0].Rows {
		text += fmt.Sprintf("%s=%s(%s%s) ", r.To, r.Fate, r.Where, r.Reason)
	}
	return text
}

func (n *node) isAt(path, want string) {
	n.t.Helper()
	last := ""
	n.until("where "+path+" to be "+want, func() bool {
		last = rows(n.t, n.where(path))
		return last == want
	}, func() string { return "it is " + last })
}

func TestWhereFollowsAMessageToItsEnd(t *testing.T) {
	n := start(t, listeners)
	phone := n.user("alice", "phone")
	n.user("alice", "pad")
	n.push("hello", "push-to", "user:alice,user:bob", "push-id", "order-42", "push-name", "shipped")
	push := phone.sees("hello")[0]
	n.isAt("/order-42", "device:alice/pad=pending(in_flight) device:alice/phone=pending(in_flight) user:bob=pending(stored) ")
	phone.send(&wire.Ack{Seq: push.Seq})
	n.isAt("/order-42", "device:alice/pad=pending(in_flight) user:bob=pending(stored) device:alice/phone=acked() ")
	n.isAt("/order-42?user=bob", "user:bob=pending(stored) ")
	n.isAt("?source=http/api/1&user=bob", "user:bob=pending(stored) ")
	m := n.where("/order-42").Messages[0]
	if m.Scope != "http" || m.Name != "shipped" || m.Source.String() != "http/api/1" || *m.Receivers != 3 || m.Totals["pending"] != 2 || m.Totals["acked"] != 1 {
		t.Errorf("%+v", m)
	}
	n.call(http.MethodDelete, "/v1/users/bob", "")
	n.isAt("/order-42?user=bob", "user:bob=dropped(user_erased) ")
}

func TestWhereKnowsRecordsThatWentNoFurther(t *testing.T) {
	n := start(t, withBroker)
	n.broker.deliver(t, 10, "one", "push-to", "user:alice", "push-id", "a", "push-class", "fast")
	n.broker.settles(t, sdk.Done, 10)
	n.broker.deliver(t, 11, "one", "push-to", "user:alice", "push-id", "a", "push-class", "fast")
	n.broker.settles(t, sdk.Done, 11)
	n.broker.deliver(t, 12, "another", "push-to", "user:alice", "push-id", "a", "push-class", "fast")
	n.broker.published(t, sdk.OutputDeadLetter)
	n.broker.settles(t, sdk.Done, 12)
	found := n.where("/a")
	text := ""
	for _, r := range found.Records {
		text += fmt.Sprintf("%s=%s(%s) to %q ", r.Source.String(), r.Outcome, r.Reason, r.DeadLetter)
	}
	if want := `mq/push/3/12=dead(id_conflict) to "mq" mq/push/3/11=repeat() to "" `; text != want {
		t.Errorf("records %s, want %s", text, want)
	}
	if got := rows(t, found); got != "user:alice=dropped(no_session) " {
		t.Errorf("rows %s", got)
	}
	if again := n.where("?source=mq/push/3/11"); len(again.Messages) != 1 || len(again.Records) != 1 || again.Records[0].Outcome != "repeat" {
		t.Errorf("by the source of the repeat: %+v", again)
	}
}

func TestWhereOfALargeAudienceHasTotals(t *testing.T) {
	n := start(t, listeners)
	n.user("alice", "phone")
	for i := range 70 {
		n.call(http.MethodPut, fmt.Sprintf("/v1/groups/staff/members/u%d", i), "")
	}
	n.push("hello", "push-to", "group:staff,user:alice", "push-class", "fast", "push-id", "big")
	n.fated("1", "fast", "sent", "")
	m := n.where("/big").Messages[0]
	if *m.Receivers != 71 || m.Totals["dropped"] != 70 || m.Totals["sent"] != 1 || len(m.Rows) != 70 || !m.More {
		t.Errorf("%d receivers, %v, %d rows, more %v", *m.Receivers, m.Totals, len(m.Rows), m.More)
	}
}

func TestWhereOfWhatNobodyKnowsSaysHowFarBack(t *testing.T) {
	n := start(t, listeners)
	status, answer := n.call(http.MethodGet, "/v1/messages/unknown", "")
	if p := decode[pushed](t, answer); status != http.StatusNotFound || p.Code != "not_found" || p.Detail == "" {
		t.Errorf("%d %s", status, answer)
	}
}

func TestOldestSaysWhatAnInputWaitsFor(t *testing.T) {
	n := start(t, withBroker)
	n.user("alice", "phone")
	n.broker.deliver(t, 10, "one", "push-to", "user:alice", "push-id", "a")
	var oldest []admin.OldestOpen
	n.until("a record to be open", func() bool {
		_, answer := n.call(http.MethodGet, "/v1/messages?oldest=true", "")
		oldest = decode[map[string][]admin.OldestOpen](t, answer)["oldest"]
		return len(oldest) == 1 && len(oldest[0].Waits) == 1
	}, func() string { return fmt.Sprint(oldest) })
	if o := oldest[0]; o.Source.String() != "mq/push/3/10" || o.ID != "a" || o.Waits[0].To != "device:alice/phone" {
		t.Errorf("%+v", o)
	}
}
