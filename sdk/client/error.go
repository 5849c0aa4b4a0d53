package client

import (
	"errors"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrClosed: Close was called.
	ErrClosed = errors.New("client: closed")
	// ErrTooLarge: the payload is longer than the node takes.
	ErrTooLarge = errors.New("client: payload is larger than the node takes")
)

// CloseError says that the node refused or closed the connection. As the
// Client's last error it says that the device must not come back by itself.
type CloseError struct {
	Code      wire.Code
	Text      string // For people; or "".
	Rejected  bool   // There never was a session: the answer to CONNECT.
	Reconnect wire.Reconnect
}

func (e *CloseError) Error() string {
	verb := "closed"
	if e.Rejected {
		verb = "rejected"
	}
	text := fmt.Sprintf("%s by the node: %d %s", verb, e.Code, e.Code)
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// closeErrorOf is what a bare code says, as a WebSocket's close frame has it.
func closeErrorOf(code wire.Code, text string) *CloseError {
	e := &CloseError{Code: code, Text: text}
	if info, known := code.Info(); known {
		e.Reconnect.Rule = info.Reconnect
	} else if code.Terminal() {
		e.Reconnect.Rule = wire.ReconnectNo
	}
	return e
}

// ResultError says that the node refused a Send or Join.
type ResultError struct {
	Code      wire.Code
	Text      string // For people; or "".
	Retryable bool   // The same may be tried again later.
}

func (e *ResultError) Error() string {
	text := fmt.Sprintf("refused by the node: %d %s", e.Code, e.Code)
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// RetryAfter makes an error of the Handler say when the message should come
// again: not before the delay.
func RetryAfter(err error, delay time.Duration) error { return &retryError{err, delay} }

// Refuse makes an error of the Handler final: the message is given up for this
// device, and the backend learns it.
func Refuse(err error) error { return &refusal{err} }

type retryError struct {
	err   error
	delay time.Duration
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

type refusal struct{ err error }

func (e *refusal) Error() string { return e.err.Error() }
func (e *refusal) Unwrap() error { return e.err }

// protocolError says that the node broke the protocol.
type protocolError struct{ err error }

func (e *protocolError) Error() string { return "protocol: " + e.err.Error() }
func (e *protocolError) Unwrap() error { return e.err }

func protocolFault(format string, args ...any) error {
	return &protocolError{fmt.Errorf(format, args...)}
}
