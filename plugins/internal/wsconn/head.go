package wsconn

import "strings"

// head is what an upgrade request says, before it is judged. The strings are
// parts of the request.
type head struct {
	method, target, version string

	// Fields that a request may have once.
	host, origin, key, wsVersion, authorization, userAgent, contentLength field

	// Lists, the values of repeated fields joined. Absent is empty.
	connection, upgrade, subprotocols, cookie, forwardedFor, forwarded, transferEncoding string
}

// field is the value of a header field.
type field struct {
	value   string
	present bool
}

// parseHead reads a request from its first line to the empty one at its end.
// Lines are known to end in CRLF and to hold no other control character than
// tabs.
func parseHead(request string) (h head, refusal *Refusal) {
	line, lines, _ := strings.Cut(request, "\r\n")
	method, line, ok := strings.Cut(line, " ")
	target, version, ok2 := strings.Cut(line, " ")
	if !ok || !ok2 || !isToken(method) || !isTarget(target) || !isVersion(version) {
		return h, badRequest("malformed request line")
	}
	h.method, h.target, h.version = method, target, version
	if version[:7] != "HTTP/1." || version == "HTTP/1.0" {
		return h, &Refusal{Status: 505, Code: "http_version", Detail: "HTTP/1.1 is needed for the upgrade to WebSocket"}
	}
	for {
		line, lines, _ = strings.Cut(lines, "\r\n")
		if line == "" {
			return h, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) {
			return h, badRequest("malformed header field")
		}
		if refusal := h.take(name, strings.Trim(value, " \t")); refusal != nil {
			return h, refusal
		}
	}
}

// take files one field.
func (h *head) take(name, value string) *Refusal {
	var lower [len("sec-websocket-extensions")]byte
	if len(name) > len(lower) {
		return nil // Longer than any that is looked at.
	}
	for i := range len(name) {
		lower[i] = toLower(name[i])
	}
	var single *field
	switch string(lower[:len(name)]) {
	case "host":
		single = &h.host
	case "origin":
		single = &h.origin
	case "sec-websocket-key":
		single = &h.key
	case "sec-websocket-version":
		single = &h.wsVersion
	case "authorization":
		single = &h.authorization
	case "user-agent":
		single = &h.userAgent
	case "content-length":
		single = &h.contentLength
	case "connection":
		h.connection = join(h.connection, ", ", value)
	case "upgrade":
		h.upgrade = join(h.upgrade, ", ", value)
	case "sec-websocket-protocol":
		h.subprotocols = join(h.subprotocols, ", ", value)
	case "cookie":
		h.cookie = join(h.cookie, "; ", value)
	case "x-forwarded-for":
		h.forwardedFor = join(h.forwardedFor, ", ", value)
	case "forwarded":
		h.forwarded = join(h.forwarded, ", ", value)
	case "transfer-encoding":
		h.transferEncoding = join(h.transferEncoding, ", ", value)
	}
	if single == nil {
		return nil
	}
	if single.present {
		return badRequest("header field " + name + " is there twice")
	}
	*single = field{value, true}
	return nil
}

func join(list, separator, value string) string {
	if list == "" || value == "" {
		return list + value
	}
	return list + separator + value
}

// hasToken reports whether a comma list has token, in any case of letters.
func hasToken(list, token string) bool {
	for element := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(element, " \t"), token) {
			return true
		}
	}
	return false
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// isTarget reports whether s has the bytes of a URI without a fragment.
func isTarget(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.ContainsRune("\"#<>\\^`{|}", rune(c)) {
			return false
		}
	}
	return s != ""
}

// isVersion reports whether s is "HTTP/" digit "." digit.
func isVersion(s string) bool {
	return len(s) == 8 && s[:5] == "HTTP/" && isDigit(s[5]) && s[6] == '.' && isDigit(s[7])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlphanumeric(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func toLower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
