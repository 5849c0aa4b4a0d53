package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// api calls a node's HTTP API.
type api struct {
	server string
	key    string
	client *http.Client
}

// defaultServer is where a node without a configuration listens.
const defaultServer = "http://127.0.0.1:8080"

// addServerFlags gives a command the flags of those that talk to a node.
func addServerFlags(cmd *cobra.Command) {
	cmd.Flags().String("server", envOr("PUSHCORE_SERVER", defaultServer), "the node's HTTP address (PUSHCORE_SERVER)")
	cmd.Flags().String("key", "", "API key (PUSHCORE_KEY)")
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

func apiOf(cmd *cobra.Command) (*api, error) {
	server, _ := cmd.Flags().GetString("server") // The flag is there: addServerFlags.
	key, _ := cmd.Flags().GetString("key")       // As above.
	if key == "" {
		key = os.Getenv("PUSHCORE_KEY")
	}
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return nil, usage(fmt.Errorf("--server %q is not a URL such as http://127.0.0.1:8080", server))
	}
	return &api{server: strings.TrimSuffix(server, "/"), key: key, client: http.DefaultClient}, nil
}

// call makes one request and decodes a successful answer into out, if there is one.
func (a *api) call(ctx context.Context, method, path string, header http.Header, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.server+path, bytes.NewReader(body))
	if err != nil {
		return usage(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if a.key != "" {
		req.Header.Set("Authorization", "Bearer "+a.key)
	}
	res, err := a.client.Do(req)
	if err != nil {
		return unreachable(a.server, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return unreachable(a.server, err)
	}
	if res.StatusCode >= 300 {
		return problemOf(res.Status, answer)
	}
	if out == nil || len(answer) == 0 {
		return nil
	}
	return json.Unmarshal(answer, out)
}

func unreachable(server string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return withExit(exitUnreachable, fmt.Errorf("no answer from %s: %w (is a node running there? --server or PUSHCORE_SERVER names another)", server, errors.Unwrap(err)))
}

func problemOf(status string, body []byte) error {
	var p struct{ Code, Field, Detail string }
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		return fmt.Errorf("the node answered %s", status)
	}
	text := p.Code
	if p.Field != "" {
		text += " (" + p.Field + ")"
	}
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return errors.New(text)
}

// printJSON writes one object on one line.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func asJSON(cmd *cobra.Command) bool {
	on, err := cmd.Flags().GetBool("json")
	return err == nil && on
}
