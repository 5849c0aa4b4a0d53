package admin

import (
	"strings"
	"testing"
	"time"
)

func TestWhereAsksByIDOrBySource(t *testing.T) {
	n := &fakeNode{found: Whereabouts{Messages: []Message{{ID: "m"}}}}
	api := New(Config{}, n).API(false)
	three := 3
	for path, want := range map[string]struct {
		id, user, source string
		partition        *int
	}{
		"/v1/messages/order-42?user=a%20b":          {id: "order-42", user: "a b"},
		"/v1/messages/push%2F3%2F7@1":               {id: "push/3/7@1"},
		"/v1/messages?source=orders/push/3/1234":    {source: "push", partition: &three},
		"/v1/messages?source=jobs/tasks/1234":       {source: "tasks"},
		"/v1/messages?source=jobs/a/b/1234&user=u7": {source: "a/b", user: "u7"},
	} {
		wantStatus(t, call{method: "GET", path: path}.on(api), 200)
		got := n.where
		if got.ID != want.id || got.User != want.user {
			t.Errorf("%s: asked %+v", path, got)
		}
		if s := got.Source; want.source != "" && (s == nil || s.Topic != want.source || s.Offset != 1234 ||
			(want.partition == nil) != (s.Partition == nil) || (s.Partition != nil && *s.Partition != 3)) {
			t.Errorf("%s: source %+v", path, s)
		}
	}
}

func TestWhereRefusesWhatItDoesNotUnderstand(t *testing.T) {
	api := New(Config{}, &fakeNode{}).API(false)
	for _, path := range []string{
		"/v1/messages", "/v1/messages?source=orders", "/v1/messages?source=orders/push/x", "/v1/messages?source=/push/3/1",
		"/v1/messages?oldest=1", "/v1/messages?id=x", "/v1/messages/x?usr=a", "/v1/messages/" + strings.Repeat("x", 129),
	} {
		wantProblem(t, call{method: "GET", path: path}.on(api), 400, "bad_request")
	}
}

func TestWhereSaysHowFarBackItLooked(t *testing.T) {
	n := &fakeNode{found: Whereabouts{Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Incomplete: "the store does not say"}}
	res := call{method: "GET", path: "/v1/messages/unknown"}.on(New(Config{}, n).API(false))
	body := wantStatus(t, res, 404)
	for _, want := range []string{`"code":"not_found"`, "2026-01-02T03:04:05Z", "the store does not say"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
}

func TestOldestIsAListAlsoWhenNothingIsOpen(t *testing.T) {
	body := wantStatus(t, call{method: "GET", path: "/v1/messages?oldest=true"}.on(New(Config{}, &fakeNode{}).API(false)), 200)
	if body != `{"oldest":[]}`+"\n" {
		t.Errorf("got %s", body)
	}
}
