package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/pushcore/pushcore/test/chaos/check"
)

// httpSource pushes to the rig's node.
type httpSource struct {
	r      *rig
	client *http.Client
}

func newHTTPSource(r *rig) *httpSource {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &httpSource{r: r, client: &http.Client{Transport: transport}}
}

func (s *httpSource) name() string   { return "http" }
func (s *httpSource) plugin() string { return "" }

// settled is true: what was answered is with the node.
func (s *httpSource) settled(int) bool { return true }

func (s *httpSource) put(ctx context.Context, m check.Message, id, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.r.node.urls["http"]+"/v1/push", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("push-to", "user:"+m.User)
	req.Header.Set("push-id", id)
	answer, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	var safe struct{ Safe string }
	if answer.StatusCode != http.StatusAccepted || json.Unmarshal(text, &safe) != nil || safe.Safe == "" {
		return "", fmt.Errorf("%s, Retry-After %q: %s", answer.Status, answer.Header.Get("Retry-After"), bytes.TrimSpace(text))
	}
	return safe.Safe, nil
}
