package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// connect opens a connection and a session on it.
func (c *Client) connect(at endpoint) (*link, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.ConnectTimeout)
	defer cancel()
	token, err := c.currentToken(ctx)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	t, err := c.open(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", at.text, err)
	}
	stop := context.AfterFunc(ctx, t.shutdown)
	accept, err := c.introduce(t, token)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		t.shutdown()
		if ctx.Err() != nil && c.ctx.Err() == nil {
			err = fmt.Errorf("connect to %s: no answer to CONNECT: %w", at.text, ctx.Err())
		}
		return nil, err
	}
	return c.begin(t, at, accept), nil
}

// introduce sends CONNECT and waits for the answer.
func (c *Client) introduce(t transport, token string) (*wire.Accept, error) {
	connect := wire.Connect{
		Client: c.cfg.Name, ClientVersion: c.cfg.Version, User: c.cfg.User, Device: c.cfg.Device, Platform: c.cfg.Platform,
		Codecs: c.cfg.Codecs, Headers: c.cfg.Headers,
		KeepAliveMS: uint64(min(max(0, c.cfg.KeepAlive.Milliseconds()), wire.QuantityMax)),
		Window:      uint64(min(max(0, c.cfg.Window), wire.QuantityMax)),
	}
	if token != "" {
		connect.Credentials = wire.Credentials{Kind: wire.CredentialBearer, Token: token}
	}
	c.mu.Lock()
	if len(c.session.Session) > 0 {
		var ack wire.Ack
		c.inbox.ack(&ack)
		if c.cfg.NoAck {
			ack.Seq = 0
		}
		connect.Resume = wire.Resume{Session: c.session.Session, Epoch: c.session.Epoch, Seq: ack.Seq}
	}
	hello := c.appendPositions(t, t.appendFrame(nil, &connect))
	c.mu.Unlock()
	if err := t.write(hello, c.cfg.ConnectTimeout); err != nil {
		return nil, err
	}
	b, err := t.readFrame()
	if err != nil {
		return nil, rejectedError(err)
	}
	return readAccept(b)
}

// rejectedError is err, of a connection that had no session yet.
func rejectedError(err error) error {
	var closed *CloseError
	if errors.As(err, &closed) {
		closed.Rejected = true
	}
	return err
}

func readAccept(b []byte) (*wire.Accept, error) {
	kind, err := wire.TypeOf(b)
	if err != nil {
		return nil, &protocolError{err}
	}
	switch kind {
	case wire.TypeAccept:
		var accept wire.Accept
		if err := accept.Parse(b); err != nil {
			return nil, &protocolError{err}
		}
		return &accept, nil
	case wire.TypeReject:
		var reject wire.Reject
		if err := reject.Parse(b); err != nil {
			return nil, &protocolError{err}
		}
		return nil, &CloseError{Code: reject.Code, Text: reject.Text, Rejected: true, Reconnect: reject.Reconnect}
	default:
		return nil, protocolFault("%s in place of ACCEPT", kind)
	}
}

// begin makes the accepted connection the Client's. The session's state is
// kept if it goes on.
func (c *Client) begin(t transport, at endpoint, accept *wire.Accept) *link {
	now := time.Now()
	l := newLink(t, at, accept, c.cfg.KeepAlive, now)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inbox.stats.Connections++
	if accept.Resumed {
		c.inbox.stats.Resumed++
		l.ackAt = now // It says what CONNECT could not: the ranges.
	} else {
		c.inbox.begin()
	}
	c.session = wire.Resume{Session: append([]byte(nil), accept.Session...), Epoch: accept.Epoch}
	c.inbox.handled.resize(int(min(accept.RememberIDs, rememberMax)))
	c.uplinks.again()
	c.joinAgain(accept.Resumed)
	c.token.expires(accept.ExpiresMS, now)
	return l
}

// serve reads from the connection until it ends, and returns why.
func (c *Client) serve(l *link) error {
	stop := context.AfterFunc(c.ctx, l.transport.shutdown)
	defer stop()
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.cfg.OnState(State{Phase: Connected, URL: l.at.text, Resumed: l.accept.Resumed, User: l.accept.User, Device: l.accept.Device})
	c.mu.Lock()
	c.link = l
	close(c.accepted)
	if c.stopping {
		l.leaving = true
	}
	c.mu.Unlock()
	written := make(chan struct{})
	go c.write(ctx, l, written)
	err := c.read(l)
	var closed *CloseError
	if l.blame(err); errors.As(err, &closed) {
		c.sayGoodbye(l, written)
	}
	l.transport.shutdown()
	cancel()
	<-written
	c.mu.Lock()
	c.link = nil
	c.accepted = make(chan struct{})
	c.mu.Unlock()
	return l.cause()
}

// sayGoodbye answers the node's end of the connection, within a second.
func (c *Client) sayGoodbye(l *link, written <-chan struct{}) {
	c.mu.Lock()
	l.leaving = true
	c.mu.Unlock()
	notify(c.wake)
	select {
	case <-written:
	case <-time.After(leaveTimeout):
	}
}
