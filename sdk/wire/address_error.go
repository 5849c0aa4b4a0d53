package wire

import (
	"fmt"
	"strings"
)

// AddressError says what is wrong with an address. errors.Is finds its Fault.
type AddressError struct {
	Position int          // In the list, from 1; 0 if there was no list.
	Text     string       // The address as it was written.
	Fault    AddressFault // What is wrong.
	Nearest  string       // The kind that was probably meant, or "".
}

// Error returns one line that names the place, the address and the remedy.
func (e *AddressError) Error() string {
	var b strings.Builder
	b.WriteString("address")
	if e.Position > 0 {
		fmt.Fprintf(&b, " %d", e.Position)
	}
	fmt.Fprintf(&b, " %s: %s", quoteShort(e.Text), e.Fault.Error())
	if e.Nearest != "" {
		fmt.Fprintf(&b, "; did you mean %q?", e.Nearest)
	}
	return b.String()
}

// Unwrap returns the fault.
func (e *AddressError) Unwrap() error { return e.Fault }

// quoteShort quotes a stranger's text so that it fits a line.
func quoteShort(s string) string {
	const shown = 64
	if len(s) > shown {
		return fmt.Sprintf("%q...", s[:shown])
	}
	return fmt.Sprintf("%q", s)
}

// AddressFault is one way in which an address can be wrong, as the code that
// the vectors use.
type AddressFault string

// The faults of addresses.
const (
	EmptyAddress     AddressFault = "empty_address"
	MissingKind      AddressFault = "missing_kind"
	UnknownKind      AddressFault = "unknown_kind"
	TenantReserved   AddressFault = "tenant_reserved"
	EmptyID          AddressFault = "empty_id"
	LongID           AddressFault = "long_id"
	MissingDevice    AddressFault = "missing_device"
	RawSlash         AddressFault = "raw_slash"
	RawSpace         AddressFault = "raw_space"
	RawComma         AddressFault = "raw_comma"
	BadEscape        AddressFault = "bad_escape"
	BadUTF8          AddressFault = "bad_utf8"
	ControlCharacter AddressFault = "control_character"
	TooManyAddresses AddressFault = "too_many_addresses"
)

// Error returns what is wrong and, where it is not obvious, what to write
// instead.
func (f AddressFault) Error() string {
	const forms = "user:ID, device:USER/DEVICE, group:ID or all"
	switch f {
	case EmptyAddress:
		return "is empty; addresses are " + forms
	case MissingKind:
		return "has no kind; addresses are " + forms
	case UnknownKind:
		return "has an unknown kind; addresses are " + forms
	case TenantReserved:
		return "names a tenant; TENANT/kind:id is reserved and not in this version"
	case EmptyID:
		return "has an empty id"
	case LongID:
		return fmt.Sprintf("has an id of more than %d bytes", IDBytesMax)
	case MissingDevice:
		return "has no device; write device:USER/DEVICE"
	case RawSlash:
		return "has a '/' inside a part of device:USER/DEVICE; write it %2F"
	case RawSpace:
		return "has a space inside; write it %20"
	case RawComma:
		return "has a ',' but is not a list; inside an id write it %2C"
	case BadEscape:
		return "has a '%' without two hexadecimal digits; a percent sign itself is written %25"
	case BadUTF8:
		return "has an id that is not UTF-8"
	case ControlCharacter:
		return "has a control character in an id"
	case TooManyAddresses:
		return fmt.Sprintf("is one of more than %d addresses", AddressesMax)
	}
	return string(f)
}
