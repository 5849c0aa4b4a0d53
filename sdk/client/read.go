package client

import (
	"math/rand/v2"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// read takes frames off the connection until it ends.
func (c *Client) read(l *link) error {
	var push wire.Push
	for {
		b, err := l.transport.readFrame()
		if err != nil {
			return err
		}
		kind, err := wire.TypeOf(b)
		if err != nil {
			return &protocolError{err}
		}
		if kind == wire.TypePush {
			err = c.readPush(l, b, &push)
		} else {
			err = c.readOther(l, kind, b)
		}
		if err != nil {
			return err
		}
	}
}

func (c *Client) readPush(l *link, b []byte, push *wire.Push) error {
	if err := push.Parse(b); err != nil {
		return &protocolError{err}
	}
	codec := ""
	if push.Compressed {
		if codec = l.accept.Codec; codec == "" {
			return protocolFault("a compressed payload without an agreed codec")
		}
	}
	lost, err := c.receive(l, push, codec, time.Now())
	c.lostPosition(lost)
	return err
}

// receive takes a message, and returns one that it had to drop of a group's history.
func (c *Client) receive(l *link, push *wire.Push, codec string, now time.Time) (lost *item, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.received(now)
	if l.leaving {
		return nil, nil
	}
	before := c.inbox.unacked
	lost = c.inbox.receive(push, codec, c.counts(push))
	if len(c.inbox.pending) > 4*int(l.accept.Window)+pendingSlack {
		return lost, protocolFault("more messages than the window of %d", l.accept.Window)
	}
	if c.inbox.unacked > before {
		l.ackSoon(c.inbox.unacked, c.cfg.AckDelay, now)
		notify(c.wake)
	}
	notify(c.work)
	return lost, nil
}

// pendingSlack keeps a node from filling the memory with messages that are
// not acked. It is generous: what a lost session left waits besides.
const pendingSlack = 4096

// parsed is what frames from the node other than PUSH do.
type parsed func(c *Client, l *link, b []byte, now time.Time) error

var readers = map[wire.Type]parsed{
	wire.TypeSent:      readSent,
	wire.TypeJoined:    readJoined,
	wire.TypeRefreshed: readRefreshed,
	wire.TypePing:      readPing,
	wire.TypePong:      readPong,
	wire.TypeMove:      readMove,
	wire.TypeClose:     readClose,
}

func (c *Client) readOther(l *link, kind wire.Type, b []byte) error {
	read := readers[kind]
	if read == nil {
		return protocolFault("a %s from the node", kind)
	}
	now := time.Now()
	c.mu.Lock()
	l.received(now)
	c.mu.Unlock()
	return read(c, l, b, now)
}

func readPing(c *Client, l *link, b []byte, _ time.Time) error {
	var ping wire.Ping
	if err := ping.Parse(b); err != nil {
		return &protocolError{err}
	}
	c.mu.Lock()
	l.pong, l.pongDue = ping.Number, true
	c.mu.Unlock()
	notify(c.wake)
	return nil
}

func readPong(_ *Client, _ *link, b []byte, _ time.Time) error {
	var pong wire.Pong // That something came is all it says.
	if err := pong.Parse(b); err != nil {
		return &protocolError{err}
	}
	return nil
}

func readMove(c *Client, l *link, b []byte, now time.Time) error {
	var move wire.Move
	if err := move.Parse(b); err != nil {
		return &protocolError{err}
	}
	within := time.Duration(move.WithinMS) * time.Millisecond
	c.mu.Lock()
	l.moveAt, l.moveTo = now.Add(rand.N(within+1)), move.Address
	c.mu.Unlock()
	notify(c.wake)
	return nil
}

func readClose(_ *Client, _ *link, b []byte, _ time.Time) error {
	var end wire.Close
	if err := end.Parse(b); err != nil {
		return &protocolError{err}
	}
	return &CloseError{Code: end.Code, Text: end.Text, Reconnect: end.Reconnect}
}
