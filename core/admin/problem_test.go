package admin

import (
	"context"
	"net/http"
	"testing"
	"time"
)

func TestEveryErrorIsAProblem(t *testing.T) {
	api := New(Config{}, &fakeNode{}).API(false)
	for _, c := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/v1/nothing", http.StatusNotFound, "not_found"},
		{"GET", "/", http.StatusNotFound, "not_found"},
		{"GET", "/v1/push", http.StatusMethodNotAllowed, "method_not_allowed"},
		{"PATCH", "/v1/users/a", http.StatusMethodNotAllowed, "method_not_allowed"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			res := call{method: c.method, path: c.path}.on(api)
			if c.status == http.StatusMethodNotAllowed && res.Header.Get("Allow") == "" {
				t.Error("no Allow")
			}
			wantProblem(t, res, c.status, c.code)
		})
	}
}

func TestUnknownUserIsNotFound(t *testing.T) {
	api := New(Config{}, &fakeNode{failure: ErrNotFound}).API(false)
	wantProblem(t, call{method: "GET", path: "/v1/users/nobody"}.on(api), http.StatusNotFound, "not_found")
}

// silentNode answers nothing until its caller gives up.
type silentNode struct{ fakeNode }

func (*silentNode) User(ctx context.Context, _ string) (User, error) {
	<-ctx.Done()
	return User{}, ctx.Err()
}

func TestQuestionsEndThoughTheNodeIsSilent(t *testing.T) {
	api := New(Config{SafeTimeout: time.Millisecond}, &silentNode{}).API(false)
	wantProblem(t, call{method: "GET", path: "/v1/users/a"}.on(api), http.StatusServiceUnavailable, "timeout")
}
