package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// push takes one message: the body is the payload byte for byte, options stand
// in push-* headers, as in a broker's record.
func (s *Server) push(w http.ResponseWriter, r *http.Request) {
	body, release, ok := s.readBody(w, r, s.cfg.PayloadMax)
	defer release()
	if !ok {
		return
	}
	record := sdk.Record{Headers: pushHeaders(r.Header), Body: body}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.SafeTimeout)
	defer cancel()
	writePushResult(w, s.node.Push(ctx, []sdk.Record{record}, s.inputOf(r, false))[0])
}

// inputOf says what the request's key may send.
func (s *Server) inputOf(r *http.Request, json bool) Input {
	return Input{JSON: json, Push: s.allows(r, ScopePush), Control: s.allows(r, ScopeControl)}
}

// forwarded are the headers besides push-* that a record keeps, for devices that
// ask for them.
func forwarded(name string) bool {
	switch name {
	case "content-type", "traceparent", "tracestate":
		return true
	}
	return strings.HasPrefix(name, "x-")
}

func pushHeaders(h http.Header) []sdk.Header {
	var out []sdk.Header
	for name, values := range h {
		name = strings.ToLower(name)
		if !strings.HasPrefix(name, "push-") && !forwarded(name) {
			continue
		}
		for _, v := range values {
			out = append(out, sdk.Header{Name: name, Value: []byte(v)})
		}
	}
	return out
}

// readBody reads a request's body, within SafeTimeout. release is called when the
// body is not needed any more, in any case.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, bytesMax int) (text []byte, release func(), ok bool) {
	// A writer that knows no deadline is a test's.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.cfg.SafeTimeout))
	b := &body{of: &s.bodies, from: http.MaxBytesReader(w, r.Body, int64(bytesMax))}
	text, err := io.ReadAll(b)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // As above.
	case errors.Is(err, errBodies):
		writeProblem(w, Problem{Status: http.StatusServiceUnavailable, Code: "overloaded", Detail: err.Error()})
	case errors.As(err, &tooLarge):
		writeProblem(w, Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: "the body is larger than this node takes"})
	default:
		badRequest(w, "", "the body could not be read")
	}
	return text, b.release, err == nil
}

func writePushResult(w http.ResponseWriter, res PushResult) {
	if res.Code != "" {
		writeProblem(w, Problem{Status: res.Status(), Code: res.Code, Field: res.Field, Detail: res.Detail, RetryAfter: res.RetryAfter})
		return
	}
	writeJSON(w, http.StatusAccepted, struct {
		ID   string `json:"id"`
		Safe string `json:"safe"`
	}{res.ID, res.Safe})
}
