package admit

import (
	"errors"
	"fmt"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Error says why a record is not taken. It is final: the same record would be
// refused again.
type Error struct {
	Reason  envelope.Reason // BadRecord, BadAddress, TooLarge or IDConflict
	Field   string          // the header (push-ttl) or the key of a JSON line (ttl) at fault, or empty
	Detail  string          // one line for people, without a full stop
	Nearest string          // the name that was probably meant, or empty
}

// Error returns the field and what is wrong with it.
func (e *Error) Error() string {
	s := e.Detail
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Nearest != "" {
		s += "; did you mean " + e.Nearest + "?"
	}
	return s
}

func badRecord(field, detail string) *Error {
	return &Error{Reason: envelope.BadRecord, Field: field, Detail: detail}
}

func badAddress(field, detail, nearest string) *Error {
	return &Error{Reason: envelope.BadAddress, Field: field, Detail: detail, Nearest: nearest}
}

// addressError is what sdk/wire says of an address, with the nearest kind apart.
func addressError(field string, err error) *Error {
	var failed *wire.AddressError
	if !errors.As(err, &failed) {
		return badAddress(field, err.Error(), "")
	}
	plain := *failed
	plain.Nearest = ""
	return badAddress(field, plain.Error(), failed.Nearest)
}

func tooLarge(size, most int) *Error {
	return &Error{Reason: envelope.TooLarge, Detail: fmt.Sprintf("the payload has %d bytes, at most %d are allowed", size, most)}
}
