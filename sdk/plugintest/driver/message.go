package driver

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Protocol is the version of what crosses.
const Protocol = 1

// lineMax bounds a line either way.
const lineMax = 4 << 20

// command is what the kit wants: the union of all commands.
type command struct {
	N     uint64 `json:"n"`
	Do    string `json:"do"`
	Conn  uint64 `json:"conn,omitempty"`
	Place uint64 `json:"place,omitempty"`

	// open
	URL         string       `json:"url,omitempty"`
	Silent      bool         `json:"silent,omitempty"`
	Credentials *credentials `json:"credentials,omitempty"` // refresh, too
	User        string       `json:"user,omitempty"`
	Device      string       `json:"device,omitempty"`
	Platform    string       `json:"platform,omitempty"`
	Groups      []string     `json:"groups,omitempty"`
	Codecs      []string     `json:"codecs,omitempty"`
	KeepAliveMS int64        `json:"keep_alive_ms,omitempty"`
	Window      int          `json:"window,omitempty"`
	Resume      *resume      `json:"resume,omitempty"`

	// what devices do
	UpTo         uint64      `json:"up_to,omitempty"`
	Also         [][2]uint64 `json:"also,omitempty"`
	Seq          uint64      `json:"seq,omitempty"`
	RetryAfterMS int64       `json:"retry_after_ms,omitempty"`
	Final        bool        `json:"final,omitempty"`
	Text         string      `json:"text,omitempty"`
	ID           string      `json:"id,omitempty"`
	Name         string      `json:"name,omitempty"`
	Group        string      `json:"group,omitempty"`
	Position     uint64      `json:"position,omitempty"`
	payload

	// what brokers do
	Options json.RawMessage `json:"options,omitempty"`
	Source  string          `json:"source,omitempty"`
	Output  string          `json:"output,omitempty"`
	Records []payload       `json:"records,omitempty"`
}

type credentials struct {
	Kind     string `json:"kind"` // bearer or basic
	Token    string `json:"token,omitempty"`
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
}

type resume struct {
	Token       string `json:"token,omitempty"`
	TokenBase64 string `json:"token_base64,omitempty"`
	Epoch       uint64 `json:"epoch"`
	Seq         uint64 `json:"seq"`
}

// event is what a driver says: the union of all events.
type event struct {
	Event string `json:"event"`
	N     uint64 `json:"n,omitempty"`
	Conn  uint64 `json:"conn,omitempty"`

	// ready
	Protocol   int      `json:"protocol,omitempty"`
	Lacks      []string `json:"lacks,omitempty"`
	Contiguous bool     `json:"contiguous,omitempty"`

	Error string `json:"error,omitempty"` // failed

	// what devices saw
	Resumed     bool   `json:"resumed,omitempty"`
	Token       string `json:"token,omitempty"`
	TokenBase64 string `json:"token_base64,omitempty"`
	Epoch       uint64 `json:"epoch,omitempty"`
	Code        uint16 `json:"code,omitempty"`
	Text        string `json:"text,omitempty"`
	Retryable   bool   `json:"retryable,omitempty"`
	Seq         uint64 `json:"seq,omitempty"`
	ID          string `json:"id,omitempty"`
	Name        string `json:"name,omitempty"`
	Group       string `json:"group,omitempty"`
	Position    uint64 `json:"position,omitempty"`
	Gap         bool   `json:"gap,omitempty"`
	payload

	// what brokers say
	Options json.RawMessage `json:"options,omitempty"`
	Sources []string        `json:"sources,omitempty"`
	Count   *int            `json:"count,omitempty"`
	Records *[]payload      `json:"records,omitempty"` // there, if empty, too
}

// payload is bytes: as text if they are UTF-8, else in base64.
type payload struct {
	Payload       *string `json:"payload,omitempty"`
	PayloadBase64 *string `json:"payload_base64,omitempty"`
}

func newPayload(b []byte) payload {
	if utf8.Valid(b) {
		text := string(b)
		return payload{Payload: &text}
	}
	text := base64.StdEncoding.EncodeToString(b)
	return payload{PayloadBase64: &text}
}

func (p payload) bytes() ([]byte, error) {
	switch {
	case p.Payload != nil && p.PayloadBase64 != nil:
		return nil, errors.New("payload and payload_base64 exclude each other")
	case p.Payload != nil:
		return []byte(*p.Payload), nil
	case p.PayloadBase64 != nil:
		b, err := base64.StdEncoding.DecodeString(*p.PayloadBase64)
		if err != nil {
			return nil, fmt.Errorf("payload_base64: %w", err)
		}
		return b, nil
	}
	return nil, nil
}

// newToken and tokenBytes do the same for tokens.
func newToken(b []byte) (text, encoded string) {
	if utf8.Valid(b) {
		return string(b), ""
	}
	return "", base64.StdEncoding.EncodeToString(b)
}

func tokenBytes(text, encoded string) ([]byte, error) {
	if encoded == "" {
		return []byte(text), nil
	}
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("token_base64: %w", err)
	}
	return b, nil
}
