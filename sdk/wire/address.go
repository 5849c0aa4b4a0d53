package wire

import (
	"strings"
	"unicode/utf8"

	"github.com/pushcore/pushcore/sdk/nearest"
)

// Kind says how an Address names its receivers.
type Kind uint8

// The kinds of addresses. The zero Kind belongs to no address.
const (
	User   Kind = iota + 1 // All of a user's devices: user:ID.
	Device                 // One device of a user: device:USER/DEVICE.
	Group                  // Members of a group and sessions that joined it: group:ID.
	All                    // Every session of the node: all.
)

var kindNames = []string{User: "user", Device: "device", Group: "group", All: "all"}

// String returns the kind as addresses spell it.
func (k Kind) String() string {
	if k < User || k > All {
		return "invalid"
	}
	return kindNames[k]
}

// IDBytesMax is the longest id of a user, device or group, in bytes after
// percent-decoding.
const IDBytesMax = 255

// Address names receivers. It is comparable: two addresses are equal if they
// name the same, since ids are compared byte for byte.
type Address struct {
	Kind   Kind
	ID     string // The user of User and Device, the group of Group, else "".
	Device string // The device of Device, else "".
}

// ParseAddress parses one address. Its strings share s's memory unless they
// were percent-encoded. Every error is an *AddressError with Position 0.
func ParseAddress(s string) (Address, error) {
	if strings.Contains(s, ",") {
		return Address{}, &AddressError{Text: s, Fault: RawComma}
	}
	return parseItem(s, 0)
}

// parseItem parses an address without a comma; position is its place in a
// list, for the error.
func parseItem(s string, position int) (Address, error) {
	kind, id, colon := strings.Cut(s, ":")
	a := Address{}
	var fault AddressFault
	switch {
	case s == "":
		fault = EmptyAddress
	case s == "all":
		return Address{Kind: All}, nil
	case strings.HasSuffix(s, "/all") && !colon, strings.Contains(kind, "/") && colon:
		fault = TenantReserved
	case kind == "user" && colon:
		a.Kind = User
		a.ID, fault = parseID(id)
	case kind == "group" && colon:
		a.Kind = Group
		a.ID, fault = parseID(id)
	case kind == "device" && colon:
		a.Kind = Device
		a.ID, a.Device, fault = parseDevice(id)
	case colon:
		return Address{}, &AddressError{Position: position, Text: s, Fault: UnknownKind, Nearest: nearest.Name(kind, kindNames[1:])}
	default:
		return Address{}, &AddressError{Position: position, Text: s, Fault: MissingKind, Nearest: nearest.Name(s, kindNames[All:])}
	}
	if fault != "" {
		return Address{}, &AddressError{Position: position, Text: s, Fault: fault}
	}
	return a, nil
}

func parseDevice(s string) (user, device string, fault AddressFault) {
	user, device, slash := strings.Cut(s, "/")
	switch {
	case !slash:
		return "", "", MissingDevice
	case strings.Contains(device, "/"):
		return "", "", RawSlash
	}
	if user, fault = parseID(user); fault != "" {
		return "", "", fault
	}
	if device, fault = parseID(device); fault != "" {
		return "", "", fault
	}
	return user, device, ""
}

func parseID(s string) (string, AddressFault) {
	if strings.Contains(s, " ") {
		return "", RawSpace
	}
	id, ok := unescape(s)
	if !ok {
		return "", BadEscape
	}
	return id, checkID(id)
}

// ValidID tells whether id can be the id of a user, device or group: 1 to
// IDBytesMax bytes of UTF-8 without control characters.
func ValidID(id string) bool { return checkID(id) == "" }

func checkID(id string) AddressFault {
	switch {
	case id == "":
		return EmptyID
	case len(id) > IDBytesMax:
		return LongID
	case !utf8.ValidString(id):
		return BadUTF8
	case hasControl(id):
		return ControlCharacter
	}
	return ""
}

// unescape decodes every %XX. It returns s itself if there is none.
func unescape(s string) (string, bool) {
	first := strings.IndexByte(s, '%')
	if first < 0 {
		return s, true
	}
	b := make([]byte, first, len(s))
	copy(b, s)
	for i := first; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		high, low := hexDigit(s[i+1]), hexDigit(s[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		b = append(b, byte(high<<4|low))
		i += 2
	}
	return string(b), true
}

// hexDigit returns the value of a hexadecimal digit, or -1.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// String returns the canonical form, see AppendTo.
func (a Address) String() string {
	return string(a.AppendTo(nil))
}

// AppendTo appends the canonical form, the one with the fewest
// percent-encodings that ParseAddress and lists understand: '%', ',', space
// and control characters are encoded, and '/' within the parts of a device
// address. Other UTF-8 stays as it is.
func (a Address) AppendTo(dst []byte) []byte {
	dst = append(dst, a.Kind.String()...)
	switch a.Kind {
	case User, Group:
		dst = appendEscaped(append(dst, ':'), a.ID, false)
	case Device:
		dst = appendEscaped(append(dst, ':'), a.ID, true)
		dst = appendEscaped(append(dst, '/'), a.Device, true)
	}
	return dst
}

func appendEscaped(dst []byte, s string, slash bool) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ', c == 0x7f, c == '%', c == ',', c == '/' && slash:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
