package wire

import (
	"errors"
	"fmt"
)

// ParseError says where and why bytes are no frame. It never quotes values,
// which may be secrets.
type ParseError struct {
	Frame  Type   // The frame that was being read; 0 if it was not known yet.
	Field  string // As docs/wire.md names it.
	Offset int    // Where the field (JSON: the wrong byte) begins, from the frame's type byte or the text's beginning.
	Reason string
	Code   Code // What to close the connection with.
}

// Error returns one line such as "PUSH frame: id at byte 3: longer than 128
// bytes".
func (e *ParseError) Error() string {
	if e.Frame == 0 {
		return fmt.Sprintf("frame: %s at byte %d: %s", e.Field, e.Offset, e.Reason)
	}
	return fmt.Sprintf("%s frame: %s at byte %d: %s", e.Frame, e.Field, e.Offset, e.Reason)
}

// CodeOf returns the code to close a connection with after err, an error of
// Parse, ParseJSON, TypeOfJSON or SplitFrame.
func CodeOf(err error) Code {
	if failed, ok := errors.AsType[*ParseError](err); ok {
		return failed.Code
	}
	return CodeProtocolError
}

// failure keeps the first error of reading a frame.
type failure struct {
	frame Type
	err   *ParseError
}

func (f *failure) fail(field string, offset int, reason string) {
	f.failWith(field, offset, reason, CodeProtocolError)
}

func (f *failure) failWith(field string, offset int, reason string, code Code) {
	if f.err == nil {
		f.err = &ParseError{Frame: f.frame, Field: field, Offset: offset, Reason: reason, Code: code}
	}
}

// failed returns the first error; unlike err it is nil as an error is.
func (f *failure) failed() error {
	if f.err == nil {
		return nil
	}
	return f.err
}
