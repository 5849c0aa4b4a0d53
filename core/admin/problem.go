package admin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Problem is an error as application/problem+json (RFC 9457) with a code that
// programs can rely on.
type Problem struct {
	Status     int           `json:"status"`
	Title      string        `json:"title"`
	Code       string        `json:"code"`
	Field      string        `json:"field,omitempty"`
	Detail     string        `json:"detail,omitempty"`
	RetryAfter time.Duration `json:"-"`
}

func writeProblem(w http.ResponseWriter, p Problem) {
	p.Title = http.StatusText(p.Status)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(max(1, int(p.RetryAfter.Round(time.Second)/time.Second))))
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // The peer is gone if this fails; nothing is left to tell it.
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // As above.
}

func badRequest(w http.ResponseWriter, field, detail string) {
	writeProblem(w, Problem{Status: http.StatusBadRequest, Code: "bad_request", Field: field, Detail: detail})
}

// problems answers what no route fits as all other errors are answered: the mux
// alone writes plain text.
func problems(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		answer := verdict{header: w.Header()}
		h.ServeHTTP(&answer, r)
		switch answer.status {
		case http.StatusMethodNotAllowed:
			writeProblem(w, Problem{Status: answer.status, Code: "method_not_allowed", Detail: r.URL.Path + " takes " + w.Header().Get("Allow")})
		default:
			writeProblem(w, Problem{Status: http.StatusNotFound, Code: "not_found", Detail: "there is nothing at " + r.URL.Path})
		}
	})
}

// verdict keeps what the mux answers but its text.
type verdict struct {
	header http.Header
	status int
}

func (v *verdict) Header() http.Header         { return v.header }
func (v *verdict) Write(b []byte) (int, error) { return len(b), nil }
func (v *verdict) WriteHeader(status int)      { v.status = status }
