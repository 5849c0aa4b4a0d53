package wsconn

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Refusal is an HTTP error in answer to an upgrade request. Feed returns it;
// a transport makes its own where it cannot take an acceptable connection
// (503, too many of them). The connection is closed after the response.
type Refusal struct {
	Status int    // HTTP status.
	Code   string // For programs, such as "origin_not_allowed".
	Detail string // For people: what to change.

	RetryAfterS int // Seconds for the client to wait; 0 says nothing.

	header string // Further header lines, each with its CRLF.
	noBody bool   // The request was HEAD.
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("websocket: upgrade refused: %s (%d %s)", r.Detail, r.Status, r.Code)
}

// AppendResponse appends the response, a problem document (RFC 9457), and
// returns the extended buffer.
func (r *Refusal) AppendResponse(dst []byte) []byte {
	body, err := json.Marshal(struct {
		Status int    `json:"status"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}{r.Status, r.Code, r.Detail})
	if err != nil {
		panic(err) // Strings and numbers can always be encoded.
	}
	body = append(body, '\n')
	dst = fmt.Appendf(dst, "HTTP/1.1 %d %s\r\n%s", r.Status, http.StatusText(r.Status), r.header)
	if r.RetryAfterS > 0 {
		dst = fmt.Appendf(dst, "Retry-After: %d\r\n", r.RetryAfterS)
	}
	dst = fmt.Appendf(dst, "Connection: close\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n", len(body))
	if r.noBody {
		return dst
	}
	return append(dst, body...)
}

func badRequest(detail string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Code: "bad_request", Detail: detail}
}
