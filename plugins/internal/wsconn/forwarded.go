package wsconn

import (
	"net/netip"
	"slices"
	"strings"
)

// forwardedHop returns the address of the client behind trusted proxies, or
// an invalid one if peer is all that is known.
//
// Proxies set X-Forwarded-For or Forwarded and often pass on the other as the
// client wrote it. So where both are there they must agree, else neither is
// believed: a client could name any address in the one its proxy leaves alone.
func forwardedHop(proxies []netip.Prefix, peer netip.Addr, h *head) netip.Addr {
	if !isTrusted(proxies, peer) {
		return netip.Addr{}
	}
	var hops [2]netip.Addr
	if h.forwardedFor != "" {
		hops[0] = lastUntrusted(proxies, h.forwardedFor, parseHop)
	}
	if h.forwarded != "" {
		hops[1] = lastUntrusted(proxies, h.forwarded, parseForwarded)
	}
	switch {
	case h.forwarded == "", hops[0] == hops[1]:
		return hops[0]
	case h.forwardedFor == "":
		return hops[1]
	}
	return netip.Addr{}
}

// lastUntrusted walks a comma list of hops from its end, the one written
// last, and returns the first that is no trusted proxy. It stops at what it
// cannot read: what stands before that is hearsay. Then, or if all are
// trusted, the answer is the trusted hop farthest from here.
func lastUntrusted(proxies []netip.Prefix, list string, parse func(string) (netip.Addr, bool)) netip.Addr {
	var hop netip.Addr
	for list != "" {
		comma := strings.LastIndexByte(list, ',')
		address, ok := parse(strings.Trim(list[comma+1:], " \t"))
		if !ok {
			break
		}
		hop = address
		if !isTrusted(proxies, hop) {
			break
		}
		list = list[:max(comma, 0)]
	}
	return hop
}

// parseForwarded reads the address in one element of Forwarded (RFC 7239).
func parseForwarded(element string) (netip.Addr, bool) {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
		if strings.EqualFold(name, "for") {
			if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
				value = value[1 : len(value)-1]
			}
			return parseHop(value)
		}
	}
	return netip.Addr{}, false
}

// parseHop reads an address, in brackets or not, with a port or not.
func parseHop(s string) (netip.Addr, bool) {
	if inner, bracketed := strings.CutPrefix(s, "["); bracketed {
		s, _, _ = strings.Cut(inner, "]")
	} else if strings.Count(s, ":") == 1 {
		s, _, _ = strings.Cut(s, ":")
	}
	address, err := netip.ParseAddr(s)
	return address.Unmap().WithZone(""), err == nil
}

func isTrusted(proxies []netip.Prefix, address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(address) })
}
