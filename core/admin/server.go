package admin

import (
	_ "embed"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"
)

// Config says what is served and to whom.
type Config struct {
	Keys        []Key
	CORSOrigins []string
	PayloadMax  int           // bytes of one push; default 1 MiB
	BodiesMax   int64         // bytes of bodies in memory; beyond it requests get 503; default 64 MiB
	SafeTimeout time.Duration // longest wait for a push to become safe, for a body and for an answer of the node; default 30 s
	Metrics     http.Handler
	Log         *slog.Logger
}

// Server is the node's HTTP API.
type Server struct {
	cfg    Config
	node   Node
	bodies bodies
}

// New makes a server of a node.
func New(cfg Config, node Node) *Server {
	if cfg.PayloadMax == 0 {
		cfg.PayloadMax = 1 << 20
	}
	if cfg.SafeTimeout == 0 {
		cfg.SafeTimeout = 30 * time.Second
	}
	if cfg.BodiesMax == 0 {
		cfg.BodiesMax = 64 << 20
	}
	return &Server{cfg: cfg, node: node, bodies: bodies{max: cfg.BodiesMax}}
}

//go:embed openapi.json
var openAPI []byte

// routes are the calls of the API, as the mux spells them.
func (s *Server) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"POST /v1/push":                            s.require(s.push, ScopePush, ScopeControl),
		"POST /v1/push/batch":                      s.require(s.pushBatch, ScopePush, ScopeControl),
		"GET /v1/sessions":                         s.ask(s.sessions, ScopeRead),
		"GET /v1/users/{user}":                     s.ask(s.user, ScopeRead),
		"DELETE /v1/users/{user}":                  s.ask(s.eraseUser, ScopeControl),
		"DELETE /v1/users/{user}/devices/{device}": s.ask(s.forgetDevice, ScopeControl),
		"DELETE /v1/users/{user}/sessions":         s.ask(s.kickUser, ScopeControl),
		"GET /v1/groups/{group}":                   s.ask(s.group, ScopeRead),
		"DELETE /v1/groups/{group}":                s.ask(s.dissolveGroup, ScopeControl),
		"PUT /v1/groups/{group}/members/{user}":    s.ask(s.joinGroup, ScopeControl),
		"DELETE /v1/groups/{group}/members/{user}": s.ask(s.leaveGroup, ScopeControl),
		"GET /v1/messages":                         s.ask(s.messages, ScopeRead),
		"GET /v1/messages/{id}":                    s.ask(s.message, ScopeRead),
		"POST /v1/node/drain":                      s.ask(s.drain, ScopeAdmin),
		"GET /v1/node":                             s.ask(s.about, ScopeRead),
		"POST /v1/node/upgrade":                    s.ask(s.upgrade, ScopeAdmin),
		"POST /v1/plugins/{plugin}/upgrade":        s.ask(s.upgradePlugin, ScopeAdmin),
		"GET /openapi.json":                        describe,
	}
}

func describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI) // The peer is gone if this fails.
}

// API is what backends and operators call. With ops set the metrics and pprof
// are left out, for they have a listener of their own.
func (s *Server) API(ops bool) http.Handler {
	mux := http.NewServeMux()
	s.health(mux)
	for pattern, h := range s.routes() {
		mux.HandleFunc(pattern, h)
	}
	if !ops {
		s.operations(mux)
	}
	return s.guard(problems(mux))
}

// Ops is what moves to the operators' own listener if there is one.
func (s *Server) Ops() http.Handler {
	mux := http.NewServeMux()
	s.health(mux)
	s.operations(mux)
	return s.guard(problems(mux))
}

// health says whether the process lives and whether it takes work, to anybody
// and without detail.
func (s *Server) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.node.Ready() != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}

func (s *Server) operations(mux *http.ServeMux) {
	if s.cfg.Metrics != nil {
		mux.HandleFunc("GET /metrics", s.ask(s.cfg.Metrics.ServeHTTP, ScopeRead))
	}
	for path, h := range map[string]http.HandlerFunc{
		"/debug/pprof/": pprof.Index, "/debug/pprof/cmdline": pprof.Cmdline, "/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
	} {
		mux.HandleFunc("GET "+path, s.require(h, ScopeAdmin))
	}
}
