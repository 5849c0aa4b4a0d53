package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// Config says where a Client connects, who it is and what it does with
// messages. URLs and Handler are needed, the rest has defaults.
type Config struct {
	// URLs of nodes, tried in turn: tcp://host:port, tls://host:port,
	// ws://host:port/path, wss://host/path. No default.
	URLs []string

	// Who the device is. With a token that says it they may be empty, and
	// otherwise must agree with it. A device without a lasting Device id loses
	// its session with the program. At most wire.IDBytesMax bytes each.
	User, Device, Platform string

	// Token proves it. TokenSource, if set, is asked instead: before the first
	// connection, shortly before the token expires, and after the node called
	// it expired. It is called by one goroutine at a time; its errors are
	// retried by the back-off. Without it an expired token ends the Client.
	Token       string
	TokenSource func(ctx context.Context) (string, error)

	// Groups to join, as by Join; OnJoined has their results.
	Groups []string

	// Codecs of payloads that are taken, best first. Default: zstd, snappy.
	// An empty slice that is not nil: none.
	Codecs []string

	// Headers are the names of broker headers wanted with each message.
	Headers []string

	// Handler gets every message, one at a time, in order. The message is the
	// Handler's to keep. nil acks it; RetryAfter and Refuse say otherwise, any
	// other error is as RetryAfter(err, RetryDelay). ctx ends when the Client
	// is closed and its patience is over.
	Handler func(ctx context.Context, m Message) error

	// OnState is told what becomes of the connection, in order. It is called
	// by the goroutine that reads and must not block, nor call Close.
	OnState func(State)

	// OnJoined is told every result of joining a group, also after a break,
	// when groups with a history are joined anew from the position reached, to
	// get what was missed. Joined.Gap says that some of it is lost; that may
	// also be told later, when the history moved on while it was read or the
	// Handler was too slow for it. The rules of OnState hold.
	OnJoined func(group string, result Joined, err error)

	// Name and Version of the program, for the node's statistics.
	Name, Version string

	// KeepAlive is the heartbeat to ask for. Default 0: as the node likes.
	KeepAlive time.Duration

	// Window is how many reliable messages to take ahead of the acks; all of
	// them may wait in memory. Default 0: as the node likes.
	Window int

	// FastMax is how many fast messages wait for the Handler. Default 1024.
	FastMax int

	// FrameBytesMax is the longest frame taken, PayloadBytesMax the longest
	// payload, decompressed. Longer frames end the connection, longer payloads
	// are refused. Defaults: wire.FrameBytesDefault, 16 MiB.
	FrameBytesMax, PayloadBytesMax int

	// AckDelay is how long acks are collected. More than half a second makes
	// the node send messages again. Default 10 ms.
	AckDelay time.Duration

	// RetryDelay is when a message should come again after an error of the
	// Handler that does not say. Default 5 s.
	RetryDelay time.Duration

	// NoAck leaves every message unacked, for who only wants to look: the node
	// sends it again, gives up the connection after a while, and keeps it.
	NoAck bool

	// ConnectTimeout bounds one attempt, from the name's look-up to ACCEPT.
	// PeerTimeout is how long the node may take to answer a PING. Both 10 s.
	ConnectTimeout, PeerTimeout time.Duration

	// TLS is for tls: and wss: addresses. Default: the system's authorities.
	TLS *tls.Config

	// Dial opens connections. Default: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Log gets what OnState does not tell. Default: nothing.
	Log *slog.Logger
}

// rememberMax bounds what a node can make a device remember.
const rememberMax = 1 << 16

// Validate says what is wrong with the configuration.
func (c *Config) Validate() error {
	if len(c.URLs) == 0 {
		return errors.New("client: no URL to connect to")
	}
	for _, u := range c.URLs {
		if _, err := parseEndpoint(u); err != nil {
			return err
		}
	}
	if c.Handler == nil {
		return errors.New("client: no Handler")
	}
	for name, id := range map[string]string{"User": c.User, "Device": c.Device, "Platform": c.Platform} {
		if id != "" && !wire.ValidID(id) {
			return fmt.Errorf("client: %s is no id: 1 to %d bytes of UTF-8 without control characters", name, wire.IDBytesMax)
		}
	}
	for _, g := range c.Groups {
		if !wire.ValidID(g) {
			return fmt.Errorf("client: group %q is no id", g)
		}
	}
	if !wire.ValidName(c.Name) || !wire.ValidName(c.Version) {
		return fmt.Errorf("client: Name and Version are of at most %d bytes", wire.NameBytesMax)
	}
	return c.validateLists()
}

func (c *Config) validateLists() error {
	for _, name := range c.Codecs {
		if !slices.Contains(codecNames, name) {
			return fmt.Errorf("client: codec %q is not known", name)
		}
	}
	if len(c.Headers) > wire.HeadersMax {
		return fmt.Errorf("client: more than %d headers", wire.HeadersMax)
	}
	for _, name := range c.Headers {
		if !wire.ValidHeader(name, nil) {
			return fmt.Errorf("client: header %q is no name", name)
		}
	}
	if len(c.Token) > wire.CredentialBytesMax {
		return fmt.Errorf("client: a token of more than %d bytes", wire.CredentialBytesMax)
	}
	return nil
}

func (c *Config) setDefaults() {
	if c.Codecs == nil {
		c.Codecs = codecNames
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnState == nil {
		c.OnState = func(State) {}
	}
	if c.OnJoined == nil {
		c.OnJoined = func(string, Joined, error) {}
	}
	orDefault(&c.FastMax, 1024)
	orDefault(&c.FrameBytesMax, wire.FrameBytesDefault)
	orDefault(&c.PayloadBytesMax, 16<<20)
	orDefault(&c.AckDelay, 10*time.Millisecond)
	orDefault(&c.RetryDelay, 5*time.Second)
	orDefault(&c.ConnectTimeout, 10*time.Second)
	orDefault(&c.PeerTimeout, 10*time.Second)
}

func orDefault[T int | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}
