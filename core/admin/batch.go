package admin

import (
	"bytes"
	"context"
	"net/http"
	"strconv"

	"github.com/pushcore/pushcore/sdk"
)

// Bounds of one batch.
const (
	batchLinesMax = 1000
	batchBytesMax = 8 << 20
)

// batchResult is one line's result.
type batchResult struct {
	Status int    `json:"status"`
	ID     string `json:"id,omitempty"`
	Safe   string `json:"safe,omitempty"`
	Code   string `json:"code,omitempty"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// pushBatch takes up to a thousand lines of JSON, each one message. The results
// stand in the order of the lines; a bad line does not keep the others back.
func (s *Server) pushBatch(w http.ResponseWriter, r *http.Request) {
	body, release, ok := s.readBody(w, r, batchBytesMax)
	defer release()
	if !ok {
		return
	}
	var records []sdk.Record
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			records = append(records, sdk.Record{Body: line})
		}
	}
	if len(records) > batchLinesMax {
		writeProblem(w, Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large",
			Detail: "a batch has at most " + strconv.Itoa(batchLinesMax) + " lines"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.SafeTimeout)
	defer cancel()
	results := make([]batchResult, 0, len(records))
	for _, res := range s.node.Push(ctx, records, s.inputOf(r, true)) {
		results = append(results, batchResult{res.Status(), res.ID, res.Safe, res.Code, res.Field, res.Detail})
	}
	writeJSON(w, http.StatusOK, struct {
		Results []batchResult `json:"results"`
	}{results})
}
