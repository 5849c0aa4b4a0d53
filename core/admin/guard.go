package admin

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
)

// guard protects an unauthenticated loopback listener from pages of other sites
// in a browser on the same machine (DNS rebinding, cross-site requests): the
// Host must be loopback's, the Origin absent or loopback's. It also answers
// preflights for the configured origins; without any there are no CORS headers.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if len(s.cfg.Keys) == 0 && !exposed(r) && (!loopbackHost(r.Host) || !loopbackOrigin(origin)) {
			writeProblem(w, Problem{Status: http.StatusForbidden, Code: "forbidden",
				Detail: "without keys this listener takes only requests for a loopback host and from a loopback origin"})
			return
		}
		if origin != "" && slices.Contains(s.cfg.CORSOrigins, origin) {
			h := w.Header()
			h.Set("Access-Control-Allow-Origin", origin)
			h.Add("Vary", "Origin")
			if r.Method == http.MethodOptions {
				h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
				h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// exposedKey marks, in the context of its requests, a listener beyond loopback.
type exposedKey struct{}

// exposed says whether a request came to a listener beyond loopback. Without keys
// there is none, unless the operator has accepted that everybody may use it, by
// whatever name he reaches it.
func exposed(r *http.Request) bool { return r.Context().Value(exposedKey{}) != nil }

func loopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(trimBrackets(host))
	return err == nil && addr.IsLoopback()
}

func trimBrackets(host string) string {
	if n := len(host); n >= 2 && host[0] == '[' && host[n-1] == ']' {
		return host[1 : n-1]
	}
	return host
}

func loopbackOrigin(origin string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && loopbackHost(u.Host)
}
