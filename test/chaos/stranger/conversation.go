package stranger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// conversation is what goes on over one connection after ACCEPT.
type conversation struct {
	*device
	link      *link
	heartbeat time.Duration // 0: none
	wrote     time.Time     // when the node last got something
	pinged    time.Time     // when it was asked and has not sent anything since; else zero
	moveAt    time.Time     // when to connect anew; zero: nobody asked
	code      uint64        // of CLOSE
	after     time.Duration // likewise
}

var errSilent = errors.New("stranger: the node does not answer")

// run returns when the connection ended; nil after a CLOSE or for a MOVE.
func (c *conversation) run(ctx context.Context) error {
	c.wrote = time.Now()
	if err := c.stall(ctx); err != nil {
		return err
	}
	for {
		if c.pinged.IsZero() && c.heartbeat > 0 && time.Since(c.wrote) >= c.beat() {
			c.pinged = time.Now()
			if err := c.ping(); err != nil {
				return err
			}
		}
		came, err := c.link.idle(c.until())
		if err != nil {
			return err
		}
		if !came {
			if done, err := c.quiet(); done || err != nil {
				return err
			}
			continue
		}
		kind, f, err := c.link.read()
		if err != nil {
			return err
		}
		c.pinged = time.Time{}
		if done, err := c.frame(kind, f); done || err != nil {
			return err
		}
	}
}

// stall keeps the heartbeat and reads nothing.
func (c *conversation) stall(ctx context.Context) error {
	for end := time.Now().Add(c.Stall); c.Stall > 0; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if c.heartbeat > 0 {
			left = min(left, c.beat())
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := c.ping(); err != nil {
			return err
		}
	}
	return nil
}

func (c *conversation) ping() error { return c.write(appendNumber([]byte{typePing}, 1)) }

// until is when something is to be done if nothing comes.
func (c *conversation) until() time.Time {
	until := time.Time{} // For ever.
	switch {
	case !c.pinged.IsZero():
		until = c.pinged.Add(c.PeerTimeout)
	case c.heartbeat > 0:
		until = c.wrote.Add(c.beat())
	}
	if !c.moveAt.IsZero() && (until.IsZero() || c.moveAt.Before(until)) {
		until = c.moveAt
	}
	return until
}

// beat is how long the node may hear nothing before it gets a PING.
func (c *conversation) beat() time.Duration { return c.heartbeat * 2 / 3 }

func (c *conversation) write(frame []byte) error {
	c.wrote = time.Now()
	return c.link.write(frame)
}

// quiet looks what is due when nothing came.
func (c *conversation) quiet() (done bool, err error) {
	now := time.Now()
	if !c.moveAt.IsZero() && !now.Before(c.moveAt) {
		return true, nil
	}
	if !c.pinged.IsZero() && now.Sub(c.pinged) >= c.PeerTimeout {
		return true, errSilent
	}
	return false, nil
}

// frame handles one; done ends the connection.
func (c *conversation) frame(kind byte, f *fields) (done bool, err error) {
	switch kind {
	case typePush:
		return false, c.push(f)
	case typePing:
		n := f.number()
		if err := f.end(); err != nil {
			return false, err
		}
		return false, c.write(appendNumber([]byte{typePong}, n))
	case typePong:
		f.number()
		return false, f.end()
	case typeMove:
		within, err := parseMove(f)
		if err != nil {
			return false, err
		}
		d := time.Duration(within) * time.Millisecond
		c.OnMove(d)
		c.moveAt = time.Now().Add(time.Duration(c.Random.Int64N(int64(d) + 1)))
		return false, nil
	case typeClose:
		c.after, c.code, err = parting(f)
		return true, err
	}
	return false, fmt.Errorf("%w: a node's frame of type %d", errFrame, kind)
}

// push shows a message, and acks it unless it is told not to.
func (c *conversation) push(f *fields) error {
	p, err := parsePush(f)
	if err != nil {
		return err
	}
	if p.Seq != 0 {
		c.acks.came(p.Seq)
	}
	if !c.OnPush(p) || p.Seq == 0 {
		return nil
	}
	c.acks.ack(p.Seq)
	return c.write(ackFrame(c.acks.floor, c.acks.behind))
}
