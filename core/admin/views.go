package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// sessionsLimit bounds a page of sessions.
const sessionsLimit = 1000

func (s *Server) sessions(w http.ResponseWriter, r *http.Request) {
	q := SessionQuery{Limit: sessionsLimit}
	for name, values := range r.URL.Query() {
		switch value := values[0]; name {
		case "user":
			q.User = value
		case "plugin":
			q.Plugin = value
		case "after":
			q.After = value
		case "limit":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > sessionsLimit {
				badRequest(w, "limit", "limit is a number from 1 to "+strconv.Itoa(sessionsLimit))
				return
			}
			q.Limit = n
		default:
			badRequest(w, name, "known parameters are user, plugin, limit and after")
			return
		}
	}
	list, next, err := s.node.Sessions(r.Context(), q)
	if err != nil {
		unavailable(w, err)
		return
	}
	if list == nil {
		list = []Session{}
	}
	writeJSON(w, http.StatusOK, struct {
		Sessions []Session `json:"sessions"`
		Next     string    `json:"next,omitempty"`
	}{list, next})
}

func (s *Server) user(w http.ResponseWriter, r *http.Request) {
	if id, ok := pathID(w, r, "user"); ok {
		u, err := s.node.User(r.Context(), id)
		answer(w, u, err)
	}
}

func (s *Server) eraseUser(w http.ResponseWriter, r *http.Request) {
	if id, ok := pathID(w, r, "user"); ok {
		n, err := s.node.Erase(r.Context(), id)
		answer(w, map[string]int{"ended": n}, err)
	}
}

func (s *Server) forgetDevice(w http.ResponseWriter, r *http.Request) {
	user, ok := pathID(w, r, "user")
	if !ok {
		return
	}
	if device, ok := pathID(w, r, "device"); ok {
		n, err := s.node.Forget(r.Context(), user, device)
		answer(w, map[string]int{"ended": n}, err)
	}
}

func (s *Server) kickUser(w http.ResponseWriter, r *http.Request) {
	if id, ok := pathID(w, r, "user"); ok {
		n, err := s.node.Kick(r.Context(), id)
		answer(w, map[string]int{"kicked": n}, err)
	}
}

func (s *Server) group(w http.ResponseWriter, r *http.Request) {
	if id, ok := pathID(w, r, "group"); ok {
		g, err := s.node.Group(r.Context(), id)
		answer(w, g, err)
	}
}

func (s *Server) joinGroup(w http.ResponseWriter, r *http.Request)  { s.membership(w, r, "join") }
func (s *Server) leaveGroup(w http.ResponseWriter, r *http.Request) { s.membership(w, r, "leave") }

func (s *Server) membership(w http.ResponseWriter, r *http.Request, op string) {
	group, ok := pathID(w, r, "group")
	if !ok {
		return
	}
	user, ok := pathID(w, r, "user")
	if !ok {
		return
	}
	to := wire.Address{Kind: wire.User, ID: user}
	s.control(w, r, "push-op", op, "push-group", url.PathEscape(group), "push-to", to.String())
}

func (s *Server) dissolveGroup(w http.ResponseWriter, r *http.Request) {
	if group, ok := pathID(w, r, "group"); ok {
		s.control(w, r, "push-op", "dissolve", "push-group", url.PathEscape(group))
	}
}

// control applies a control record of header names and values.
func (s *Server) control(w http.ResponseWriter, r *http.Request, pairs ...string) {
	var record sdk.Record
	for i := 0; i < len(pairs); i += 2 {
		record.Headers = append(record.Headers, sdk.Header{Name: pairs[i], Value: []byte(pairs[i+1])})
	}
	if res := s.node.Push(r.Context(), []sdk.Record{record}, Input{Control: true})[0]; res.Code != "" {
		writePushResult(w, res)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// drain begins to empty the node; asked again it tells how far that is.
func (s *Server) drain(w http.ResponseWriter, r *http.Request) {
	d, err := s.node.Drain(r.Context())
	switch {
	case err != nil:
		unavailable(w, err)
	case d.State == Drained:
		writeJSON(w, http.StatusOK, d)
	default:
		writeJSON(w, http.StatusAccepted, d)
	}
}

// pathID reads an id of the path, which the mux has decoded.
func pathID(w http.ResponseWriter, r *http.Request, name string) (string, bool) {
	id := r.PathValue(name)
	if !wire.ValidID(id) {
		badRequest(w, name, "an id is 1 to 255 bytes of UTF-8 without control characters")
		return "", false
	}
	return id, true
}

func answer(w http.ResponseWriter, v any, err error) {
	if errors.Is(err, ErrNotFound) {
		writeProblem(w, Problem{Status: http.StatusNotFound, Code: "not_found", Detail: err.Error()})
		return
	}
	if err != nil {
		unavailable(w, err)
		return
	}
	writeJSON(w, http.StatusOK, v)
}

func unavailable(w http.ResponseWriter, err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		writeProblem(w, Problem{Status: http.StatusServiceUnavailable, Code: "timeout", Detail: "the node has not answered in time"})
		return
	}
	writeProblem(w, Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: err.Error()})
}
