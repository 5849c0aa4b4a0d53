package admin

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// TestGuardStaysOnLoopback asks listeners of both kinds by a foreign name: what the
// operator accepts for one beyond loopback does not open the other.
func TestGuardStaysOnLoopback(t *testing.T) {
	for _, c := range []struct {
		address string
		status  int
	}{
		{"127.0.0.1:0", http.StatusForbidden},
		{"0.0.0.0:0", http.StatusOK},
	} {
		t.Run(c.address, func(t *testing.T) {
			l, err := Listen("http", c.address, nil, New(Config{}, &fakeNode{}).API(false), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close(context.Background())
			port := l.URL[strings.LastIndexByte(l.URL, ':'):]
			req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1"+port+"/v1/sessions", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = "node.example"
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != c.status {
				t.Errorf("got %d, want %d", res.StatusCode, c.status)
			}
		})
	}
}
