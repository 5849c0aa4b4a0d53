package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// Uplink is a message of the device to the backend.
type Uplink struct {
	ID      string // At most wire.MessageIDBytesMax bytes, another one for each message; "": one is made.
	Name    string // What kind of message; or "".
	Headers []Header
	Payload []byte
}

// uplink is an Uplink that was not answered yet.
type uplink struct {
	frame  wire.Send
	answer chan error // of one: the goroutine that waits in Send
}

// uplinks are those not answered. The Client's mutex guards them.
type uplinks struct {
	count   uint64             // ids made
	waiting map[string]*uplink // by id
	order   []*uplink          // oldest first; those answered are left out when they are met
	sent    int                // how many of order were sent on this connection
}

// add queues an uplink; false: its id is on the way already.
func (u *uplinks) add(n *uplink) bool {
	if u.waiting == nil {
		u.waiting = map[string]*uplink{}
	}
	id := string(n.frame.ID)
	if u.waiting[id] != nil {
		return false
	}
	u.waiting[id] = n
	u.order = append(u.order, n)
	return true
}

// remove forgets the uplink; it is left out of order.
func (u *uplinks) remove(n *uplink) {
	if id := string(n.frame.ID); u.waiting[id] == n {
		delete(u.waiting, id)
	}
	for i, o := range u.order {
		if o == n {
			u.order = append(u.order[:i], u.order[i+1:]...)
			if i < u.sent {
				u.sent--
			}
			return
		}
	}
}

// answer ends the wait for the uplink.
func (u *uplinks) answer(n *uplink, result error) {
	u.remove(n)
	n.answer <- result // It has room: it is answered once for each time it is added.
}

// next returns the uplink to be sent next, or nil.
func (u *uplinks) next() *uplink {
	if u.sent == len(u.order) {
		return nil
	}
	u.sent++
	return u.order[u.sent-1]
}

// again makes all be sent once more, on another connection.
func (u *uplinks) again() { u.sent = 0 }

// Send brings a message to the backend and returns nil when the backend's
// broker has accepted it. It is sent again, under the same id, after each
// break, and after refusals that say that it may be, until ctx ends. payload
// must not change until then. Other refusals are a *ResultError.
func (c *Client) Send(ctx context.Context, name string, payload []byte) error {
	return c.SendUplink(ctx, Uplink{Name: name, Payload: payload})
}

// SendUplink is Send with an id, by which the backend knows a message that was
// sent again after the program's restart, and with headers.
func (c *Client) SendUplink(ctx context.Context, m Uplink) error {
	n, err := c.newUplink(m)
	if err != nil {
		return err
	}
	for failures := 0; ; failures++ {
		err := c.sendOnce(ctx, n)
		var refused *ResultError
		if !errors.As(err, &refused) || !refused.Retryable {
			return err
		}
		select {
		case <-time.After(rand.N(backoff(failures)) + backoffMin/2):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-c.done:
			return c.Err()
		}
	}
}

func (c *Client) newUplink(m Uplink) (*uplink, error) {
	if m.ID == "" {
		c.mu.Lock()
		c.uplinks.count++
		m.ID = c.idPrefix + strconv.FormatUint(c.uplinks.count, 10)
		c.mu.Unlock()
	}
	if !wire.ValidMessageID(m.ID) || !wire.ValidName(m.Name) {
		return nil, fmt.Errorf("client: uplink %q: its id or name is too long or has control characters", m.ID)
	}
	n := &uplink{frame: wire.Send{ID: []byte(m.ID), Name: []byte(m.Name), Payload: m.Payload}, answer: make(chan error, 1)}
	total := 0
	for _, h := range m.Headers {
		total += len(h.Name) + len(h.Value)
		if !wire.ValidHeader(h.Name, h.Value) || total > wire.HeaderBytesMax || len(m.Headers) > wire.HeadersMax {
			return nil, fmt.Errorf("client: uplink %q: header %q cannot be sent", m.ID, h.Name)
		}
		n.frame.Headers = append(n.frame.Headers, wire.Header{Name: []byte(h.Name), Value: h.Value})
	}
	return n, nil
}

// sendOnce waits for the answer of the node, over as many connections as it
// takes.
func (c *Client) sendOnce(ctx context.Context, n *uplink) error {
	c.mu.Lock()
	added := c.uplinks.add(n)
	c.mu.Unlock()
	if !added {
		return fmt.Errorf("client: uplink %q is being sent already", n.frame.ID)
	}
	notify(c.wake)
	defer func() {
		c.mu.Lock()
		c.uplinks.remove(n)
		c.mu.Unlock()
	}()
	select {
	case err := <-n.answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.done:
		return c.Err()
	}
}

func readSent(c *Client, _ *link, b []byte, _ time.Time) error {
	var sent wire.Sent
	if err := sent.Parse(b); err != nil {
		return &protocolError{err}
	}
	var result error
	if sent.Code != 0 {
		result = &ResultError{Code: sent.Code, Text: sent.Text, Retryable: sent.Retryable}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.uplinks.waiting[sent.ID]; n != nil {
		c.uplinks.answer(n, result)
	}
	return nil
}
