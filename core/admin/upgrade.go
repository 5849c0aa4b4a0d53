package admin

import (
	"encoding/hex"
	"errors"
	"net/http"
)

// sha256Digits is the length of a checksum in hex.
const sha256Digits = 64

// upgradePlugin replaces the processes of a plugin by what their file is now.
func (s *Server) upgradePlugin(w http.ResponseWriter, r *http.Request) {
	sum := r.URL.Query().Get("sha256")
	if _, err := hex.DecodeString(sum); err != nil || sum != "" && len(sum) != sha256Digits {
		badRequest(w, "sha256", "wants the 64 hexadecimal digits of the file's checksum")
		return
	}
	u, err := s.node.UpgradePlugin(r.Context(), r.PathValue("plugin"), sum)
	switch {
	case errors.Is(err, ErrNotFound):
		writeProblem(w, Problem{Status: http.StatusNotFound, Code: "not_found", Detail: "no plugin instance has this name"})
	case errors.Is(err, ErrInCore):
		writeProblem(w, Problem{Status: http.StatusConflict, Code: "in_core", Detail: err.Error()})
	case err != nil:
		writeProblem(w, Problem{Status: http.StatusInternalServerError, Code: "upgrade_failed", Detail: err.Error()})
	default:
		writeJSON(w, http.StatusOK, u)
	}
}

// about says who answers.
func (s *Server) about(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.node.About())
}

// upgrade has the program replaced. What answers GET /v1/node with another run is
// the new one.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	if err := s.node.Upgrade(r.Context()); err != nil {
		writeProblem(w, Problem{Status: http.StatusConflict, Code: "cannot_upgrade", Detail: err.Error()})
		return
	}
	writeJSON(w, http.StatusAccepted, s.node.About())
}
