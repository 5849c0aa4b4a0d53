package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"
)

// endpoint is where a node listens.
type endpoint struct {
	text      string
	url       *url.URL
	webSocket bool
	secure    bool
}

func parseEndpoint(text string) (endpoint, error) {
	u, err := url.Parse(text)
	if err != nil {
		return endpoint{}, fmt.Errorf("client: address: %w", err)
	}
	e := endpoint{text: text, url: u, webSocket: u.Scheme == "ws" || u.Scheme == "wss", secure: u.Scheme == "tls" || u.Scheme == "wss"}
	switch {
	case u.Scheme != "tcp" && u.Scheme != "tls" && !e.webSocket:
		return endpoint{}, fmt.Errorf("client: address %q: the scheme is none of tcp, tls, ws, wss", text)
	case u.Hostname() == "":
		return endpoint{}, fmt.Errorf("client: address %q has no host", text)
	case u.Port() == "" && !e.webSocket:
		return endpoint{}, fmt.Errorf("client: address %q has no port", text)
	}
	return e, nil
}

// transport is one connection: frames in, bytes out. readFrame belongs to the
// reading goroutine, write and the append functions to the writing one;
// shutdown may be called by any.
type transport interface {
	// readFrame returns the next frame, valid until the next call. Errors are
	// of the network, *protocolError or *CloseError.
	readFrame() ([]byte, error)

	// appendFrame appends a frame as it goes over the connection.
	appendFrame(dst []byte, f frame) []byte

	// appendReply appends what the transport itself owes to the node.
	appendReply(dst []byte) []byte

	// write writes what was appended, within the timeout.
	write(b []byte, timeout time.Duration) error

	// appendEnd appends the good-bye, or the answer to the node's.
	appendEnd(dst []byte) []byte

	// halfClose says that no more is written; reading ends within the timeout.
	halfClose(timeout time.Duration)

	// shutdown closes the connection at once.
	shutdown()
}

// frame is the part of wire.Frame that is written.
type frame interface{ Append(dst []byte) []byte }

// open connects to the endpoint; ctx bounds it, the upgrade included.
func (c *Client) open(ctx context.Context, e endpoint) (transport, error) {
	if e.webSocket {
		return c.openWebSocket(ctx, e)
	}
	conn, err := c.cfg.Dial(ctx, "tcp", e.url.Host)
	if err != nil {
		return nil, err
	}
	if e.secure {
		secured := tls.Client(conn, tlsConfigOf(c.cfg.TLS, e))
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close() // The handshake's error is the one that matters.
			return nil, err
		}
		conn = secured
	}
	return newStream(conn, c.cfg.FrameBytesMax), nil
}

func tlsConfigOf(base *tls.Config, e endpoint) *tls.Config {
	if base == nil {
		base = &tls.Config{}
	}
	if base.ServerName != "" {
		return base
	}
	base = base.Clone()
	base.ServerName = e.url.Hostname()
	return base
}

// closeWrite ends the writing half where there is one.
func closeWrite(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // The connection is over either way.
	}
}
