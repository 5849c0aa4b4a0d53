package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

const (
	// writeTimeout is how long the network may take for one write.
	writeTimeout = 30 * time.Second
	// writeBytes is when a write is long enough, so that acks and pings do not
	// wait behind many uplinks.
	writeBytes = 64 << 10
	// leaveTimeout is how long the node may take to close its end.
	leaveTimeout = time.Second
)

// write writes what the state says is owed, until ctx ends or writing fails.
func (c *Client) write(ctx context.Context, l *link, written chan<- struct{}) {
	defer close(written)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	w := writer{client: c, link: l}
	defer w.fetching.Wait()
	for {
		wait, err := w.turn(ctx)
		switch {
		case errors.Is(err, errLeft):
			l.blame(errLeft)
			l.transport.halfClose(leaveTimeout) // read ends by that.
			return
		case err != nil:
			l.fail(err)
			return
		}
		timer.Reset(wait)
		select {
		case <-c.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// writer is the memory of the writing goroutine.
type writer struct {
	client *Client
	link   *link
	buf    []byte
	ack    wire.Ack

	fetching sync.WaitGroup // for a new token
}

// turn writes all that is owed now and returns how long nothing will be.
func (w *writer) turn(ctx context.Context) (time.Duration, error) {
	c, l := w.client, w.link
	for {
		now := time.Now()
		w.buf = w.buf[:0]
		c.mu.Lock()
		err := w.overdue(now)
		if err == nil {
			w.collect(now)
			if c.token.refreshDue(now, c.cfg.TokenSource != nil) {
				w.fetching.Go(func() { c.refresh(ctx) })
			}
		}
		leaving := l.leaving && len(w.buf) < writeBytes
		wait := w.wait(now)
		c.mu.Unlock()
		var moved *moveError
		if leaving || errors.As(err, &moved) {
			w.buf = l.transport.appendEnd(w.buf)
		}
		if len(w.buf) > 0 {
			if err := l.transport.write(w.buf, writeTimeout); err != nil {
				return 0, err
			}
		}
		switch {
		case err != nil:
			return 0, err
		case leaving:
			return 0, errLeft
		case len(w.buf) < writeBytes:
			return wait, nil
		}
	}
}

// overdue returns an error if the connection is to end: the node is silent, or
// it is time to follow a MOVE. Acks go along.
func (w *writer) overdue(now time.Time) error {
	l := w.link
	if !l.pingAt.IsZero() && now.Sub(l.pingAt) >= w.client.cfg.PeerTimeout {
		return errSilent
	}
	if !l.moveAt.IsZero() && !now.Before(l.moveAt) {
		if !l.ackAt.IsZero() {
			l.ackAt = now
		}
		w.appendAcks(now)
		return &moveError{l.moveTo}
	}
	return nil
}

var errSilent = errors.New("client: the node does not answer")

// collect appends all that is owed, NACKs before the ack that gets past them.
func (w *writer) collect(now time.Time) {
	c, l := w.client, w.link
	w.buf = l.transport.appendReply(w.buf)
	if l.pongDue {
		l.pongDue = false
		w.append(&wire.Pong{Number: l.pong})
	}
	if token, due := c.token.take(); due {
		w.append(&wire.Refresh{Credentials: wire.Credentials{Kind: wire.CredentialBearer, Token: token}})
	}
	if l.leaving && !l.ackAt.IsZero() {
		l.ackAt = now
	}
	w.appendAcks(now)
	for name, g := range c.groups {
		w.appendJoin(name, g)
	}
	for len(w.buf) < writeBytes && !l.leaving {
		u := c.uplinks.next()
		if u == nil {
			break
		}
		if uint64(len(u.frame.Payload)) > l.accept.UplinkBytesMax {
			c.uplinks.answer(u, ErrTooLarge)
			continue
		}
		w.append(&u.frame)
	}
	if len(w.buf) > 0 {
		l.sentAt = now
	}
	if l.pingAt.IsZero() && w.pingIn(now) <= 0 {
		l.pings++
		l.pingAt, l.sentAt = now, now
		w.append(&wire.Ping{Number: l.pings})
	}
}

func (w *writer) append(f frame) { w.buf = w.link.transport.appendFrame(w.buf, f) }

func (w *writer) appendAcks(now time.Time) {
	inbox, l := &w.client.inbox, w.link
	for {
		nack, ok := inbox.nack()
		if !ok {
			break
		}
		if !w.client.cfg.NoAck {
			w.append(&nack)
		}
	}
	if !l.ackAt.IsZero() && !now.Before(l.ackAt) {
		l.ackAt = time.Time{}
		inbox.unacked = 0
		if inbox.ack(&w.ack); !w.client.cfg.NoAck {
			w.append(&w.ack)
		}
	}
}

// pingIn returns when a PING is due.
func (w *writer) pingIn(now time.Time) time.Duration {
	l := w.link
	first := l.sentAt
	if l.receivedAt.Before(first) {
		first = l.receivedAt
	}
	return first.Add(l.interval).Sub(now)
}

// wait returns how long it is until something is due by the clock.
func (w *writer) wait(now time.Time) time.Duration {
	l := w.link
	wait := l.interval
	if l.pingAt.IsZero() {
		wait = min(wait, w.pingIn(now))
	} else {
		wait = min(wait, l.pingAt.Add(w.client.cfg.PeerTimeout).Sub(now))
	}
	for _, at := range []time.Time{l.ackAt, l.moveAt, w.client.token.refreshAt} {
		if !at.IsZero() {
			wait = min(wait, at.Sub(now))
		}
	}
	return max(0, wait)
}
