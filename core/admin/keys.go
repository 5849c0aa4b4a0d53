package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// Scope is what a key may do.
type Scope string

// The scopes.
const (
	ScopePush    Scope = "push"    // publish
	ScopeControl Scope = "control" // groups, kick, erase, control records
	ScopeRead    Scope = "read"    // sessions, users, groups, messages, metrics
	ScopeAdmin   Scope = "admin"   // pprof, drain
)

// Key is one API key, known by the SHA-256 of its text.
type Key struct {
	Name   string // for logs
	SHA256 [sha256.Size]byte
	Scopes []Scope
}

// require lets a request pass that carries a key with one of the scopes. Without
// any configured key everything passes: the runtime allows that on loopback only.
func (s *Server) require(next http.HandlerFunc, scopes ...Scope) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := s.keyOf(r)
		switch {
		case len(s.cfg.Keys) > 0 && key == nil:
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeProblem(w, Problem{Status: http.StatusUnauthorized, Code: "unauthorized", Detail: "a valid key is required: Authorization: Bearer KEY"})
		case !slices.ContainsFunc(scopes, func(scope Scope) bool { return s.allows(r, scope) }):
			writeProblem(w, Problem{Status: http.StatusForbidden, Code: "forbidden", Detail: "key " + key.Name + " has no scope " + string(scopes[0])})
		default:
			next(w, r)
		}
	}
}

// ask is require for what the node is asked and answers soon: it ends with
// SafeTimeout.
func (s *Server) ask(next http.HandlerFunc, scopes ...Scope) http.HandlerFunc {
	return s.require(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.cfg.SafeTimeout)
		defer cancel()
		next(w, r.WithContext(ctx))
	}, scopes...)
}

// allows says whether the request's key has the scope.
func (s *Server) allows(r *http.Request, scope Scope) bool {
	if len(s.cfg.Keys) == 0 {
		return true
	}
	key := s.keyOf(r)
	return key != nil && slices.Contains(key.Scopes, scope)
}

// keyOf finds the request's key in a time that does not depend on which one it is.
func (s *Server) keyOf(r *http.Request) *Key {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	var found *Key
	for i := range s.cfg.Keys {
		if subtle.ConstantTimeCompare(sum[:], s.cfg.Keys[i].SHA256[:]) == 1 {
			found = &s.cfg.Keys[i]
		}
	}
	return found
}
