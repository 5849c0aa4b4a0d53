package admin

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBodiesInMemoryAreBounded(t *testing.T) {
	held := bodies{max: 10}
	first := body{of: &held, from: strings.NewReader("12345678")}
	if _, err := io.ReadAll(&first); err != nil {
		t.Fatal(err)
	}
	second := body{of: &held, from: iotest.OneByteReader(strings.NewReader("123"))}
	if got, err := io.ReadAll(&second); !errors.Is(err, errBodies) || len(got) != 3 {
		t.Errorf("got %q, %v; want the bound at the third byte", got, err)
	}
	second.release()
	first.release()
	if n := held.used.Load(); n != 0 {
		t.Errorf("%d bytes are counted of nothing", n)
	}
	alone := body{of: &held, from: strings.NewReader(strings.Repeat("x", 100))}
	if _, err := io.ReadAll(&alone); err != nil {
		t.Errorf("one body above the bound: %v", err)
	}
}

func TestRequestBeyondTheBoundOfBodiesComesLater(t *testing.T) {
	s := New(Config{BodiesMax: 4}, &fakeNode{result: PushResult{ID: "m", Safe: "acked"}})
	s.bodies.used.Store(4) // Others'.
	for _, path := range []string{"/v1/push", "/v1/push/batch"} {
		res := call{method: "POST", path: path, body: "x"}.on(s.API(false))
		if res.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		wantProblem(t, res, http.StatusServiceUnavailable, "overloaded")
	}
	s.bodies.used.Store(0)
	wantStatus(t, call{method: "POST", path: "/v1/push", body: "x"}.on(s.API(false)), http.StatusAccepted)
	if n := s.bodies.used.Load(); n != 0 {
		t.Errorf("%d bytes are counted of requests that are answered", n)
	}
}
