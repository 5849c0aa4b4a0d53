package wsconn

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// keyBytes is what a Sec-WebSocket-Key encodes.
const keyBytes = 16

// accept judges a whole request. First whether it is for us at all (host,
// path, method), then whether it is an upgrade as RFC 6455, section 4.2.1,
// wants it, then whether we take it (origin, subprotocol).
func (u *Upgrader) accept(request string, peer netip.Addr) (*Request, *Refusal) {
	h, refusal := parseHead(request)
	if refusal != nil {
		return nil, refusal
	}
	req := &Request{
		Origin:        h.origin.value,
		Cookie:        h.cookie,
		Authorization: h.authorization.value,
		UserAgent:     h.userAgent.value,
		key:           h.key.value,
	}
	refusal = u.resolve(&h, req)
	if refusal == nil {
		refusal = checkUpgrade(&h)
	}
	if refusal == nil {
		refusal = u.checkOrigin(&h, req.Host)
	}
	if refusal == nil {
		req.Subprotocol, refusal = u.chooseSubprotocol(h.subprotocols)
	}
	if refusal != nil {
		refusal.noBody = h.method == http.MethodHead
		return nil, refusal
	}
	req.Forwarded = forwardedHop(u.proxies, peer, &h)
	return req, nil
}

// resolve finds out which host and path the request is for, in req, and
// whether these are ours.
func (u *Upgrader) resolve(h *head, req *Request) *Refusal {
	req.Host = h.host.value
	target := h.target
	if scheme, rest, absolute := strings.Cut(target, "://"); absolute && target[0] != '/' {
		if !isWebScheme(scheme) {
			return badRequest("the request's URI is not an HTTP one")
		}
		slash := strings.IndexAny(rest, "/?")
		if slash < 0 {
			rest, slash = rest+"/", len(rest)
		}
		// The URI's host overrides the field's (RFC 9112, section 3.2.2).
		req.Host, target = rest[:slash], rest[slash:]
		if target[0] == '?' {
			target = "/" + target
		}
	}
	path, query, _ := strings.Cut(target, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil || path == "" || path[0] != '/' {
		return badRequest("malformed path")
	}
	req.Path, req.RawQuery = decoded, query

	host, ok := parseAuthority(req.Host)
	switch {
	case !h.host.present || !ok:
		return badRequest("Host is missing or malformed")
	case u.loopbackOnly && !host.isLoopback():
		return &Refusal{Status: http.StatusForbidden, Code: "host_not_loopback",
			Detail: "a listener without authentication answers only to loopback hosts such as localhost, not to " + quote(req.Host)}
	case u.path != "" && decoded != u.path:
		return &Refusal{Status: http.StatusNotFound, Code: "path_not_found",
			Detail: "nothing is served at " + quote(path)}
	case h.method != http.MethodGet:
		return &Refusal{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
			Detail: "the upgrade to WebSocket is a GET request", header: "Allow: GET\r\n"}
	}
	return nil
}

// checkUpgrade checks what RFC 6455 asks of the request itself.
func checkUpgrade(h *head) *Refusal {
	switch {
	case h.transferEncoding != "", h.contentLength.present && h.contentLength.value != "0":
		return badRequest("an upgrade request has no body")
	case !hasToken(h.upgrade, "websocket"), !hasToken(h.connection, "upgrade"):
		return &Refusal{Status: http.StatusUpgradeRequired, Code: "upgrade_required",
			Detail: "this is a WebSocket endpoint: send Upgrade: websocket and Connection: Upgrade (a proxy in between must pass them on)",
			header: "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"}
	case !h.wsVersion.present:
		return badRequest("Sec-WebSocket-Version is missing")
	case h.wsVersion.value != "13":
		return &Refusal{Status: http.StatusUpgradeRequired, Code: "websocket_version",
			Detail: "only WebSocket version 13 is spoken",
			header: "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"}
	}
	key, err := base64.StdEncoding.DecodeString(h.key.value)
	if err != nil || len(key) != keyBytes {
		return badRequest("Sec-WebSocket-Key is missing or does not encode 16 bytes")
	}
	return nil
}

// checkOrigin decides whether the web page behind the request may connect.
func (u *Upgrader) checkOrigin(h *head, host string) *Refusal {
	if !h.origin.present {
		return nil
	}
	o, ok := parseOrigin(h.origin.value)
	to, _ := parseAuthority(host)
	detail := "pages of " + quote(h.origin.value) + " may not connect here"
	switch {
	case u.loopbackOnly && (!ok || !o.isLoopback()):
		detail = "a listener without authentication wants a loopback Origin or none, not " + quote(h.origin.value)
	case u.loopbackOnly && u.origins.isEmpty(), u.origins.all, ok && u.origins.allows(o, to):
		return nil
	}
	return &Refusal{Status: http.StatusForbidden, Code: "origin_not_allowed", Detail: detail}
}

// chooseSubprotocol picks the first offer that we speak.
func (u *Upgrader) chooseSubprotocol(offers string) (string, *Refusal) {
	chosen := ""
	for offer := range strings.SplitSeq(offers, ",") {
		offer = strings.Trim(offer, " \t")
		if offer != "" && !isToken(offer) {
			return "", badRequest("malformed Sec-WebSocket-Protocol")
		}
		if i := slices.Index(u.subprotocols, offer); i >= 0 && chosen == "" {
			chosen = u.subprotocols[i]
		}
	}
	if chosen == "" && len(u.subprotocols) > 0 {
		return "", &Refusal{Status: http.StatusBadRequest, Code: "subprotocol_required",
			Detail: "offer one of these in Sec-WebSocket-Protocol: " + strings.Join(u.subprotocols, ", ")}
	}
	return chosen, nil
}
