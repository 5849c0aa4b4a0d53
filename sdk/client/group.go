package client

import (
	"context"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// Joined is what the node said of a group that the device joined.
type Joined struct {
	Position uint64 // The group's last position so far; 0: it has no history.
	Gap      bool   // Some of what the device missed is lost to it: it is no longer in the history.
}

// group is one that the device is or wants to be in. The Client's mutex guards
// it.
type group struct {
	position uint64 // all of the history up to it was handled, or told to be lost
	due      bool   // a JOIN is to be written
	asked    bool   // one went with the CONNECT of this connection
	leaving  bool   // a LEAVE is to be written, and the group forgotten
	joined   bool   // the node said so, in this session; with a position: on this connection
	waiters  []chan joinResult
}

type joinResult struct {
	joined Joined
	err    error
}

// Join lets the device's session into a group and waits for the node's answer.
// A refusal is a *ResultError. After a lost session the group is joined anew,
// from the position that was reached, until Leave is called; when ctx ends
// before the answer came, the Client goes on trying.
func (c *Client) Join(ctx context.Context, name string) (Joined, error) {
	if !wire.ValidID(name) {
		return Joined{}, fmt.Errorf("client: group %q is no id", name)
	}
	answer := make(chan joinResult, 1)
	c.mu.Lock()
	g := c.groups[name]
	if g == nil || g.leaving {
		g = &group{}
		c.groups[name] = g
	}
	g.due = true
	g.waiters = append(g.waiters, answer)
	c.mu.Unlock()
	notify(c.wake)
	select {
	case r := <-answer:
		return r.joined, r.err
	case <-ctx.Done():
		return Joined{}, context.Cause(ctx)
	case <-c.done:
		return Joined{}, c.Err()
	}
}

// Leave ends the session's membership in a group. There is no answer to wait
// for: messages that are on the way still come.
func (c *Client) Leave(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[name]
	if g == nil {
		return
	}
	g.due, g.leaving = false, true
	notify(c.wake)
}

// appendPositions appends a JOIN for each group with a history, to go with CONNECT:
// so the node brings what was missed before anything new, also where the session goes
// on. Until it has answered no position is reached, for what comes before may be newer
// than what is missing.
func (c *Client) appendPositions(t transport, b []byte) []byte {
	for name, g := range c.groups {
		if g.asked = g.position > 0 && !g.leaving; g.asked {
			g.joined = false
			b = t.appendFrame(b, &wire.Join{Group: name, Position: g.position})
		}
	}
	return b
}

// joinAgain makes the groups be joined that the session is not in.
func (c *Client) joinAgain(resumed bool) {
	for name, g := range c.groups {
		switch {
		case !resumed && g.leaving:
			delete(c.groups, name)
		case g.asked:
			g.due = false
		case !resumed || !g.joined:
			g.joined, g.due = false, !g.leaving
		}
	}
}

// appendJoin appends what is owed for a group.
func (w *writer) appendJoin(name string, g *group) {
	switch {
	case g.leaving:
		w.append(&wire.Leave{Group: name})
		delete(w.client.groups, name)
	case g.due:
		g.due = false
		w.append(&wire.Join{Group: name, Position: g.position})
	}
}

// counts says whether a message that comes now moves its group's position on.
func (c *Client) counts(p *wire.Push) bool {
	g := c.groups[string(p.FromGroup)]
	return p.Position > 0 && g != nil && g.joined
}

// reachedPosition notes what was handled of a group's history.
func (c *Client) reachedPosition(it *item) {
	if g := c.groups[it.message.FromGroup]; g != nil && it.counts {
		g.position = max(g.position, it.message.Position)
	}
}

// lostPosition tells the application of a message of a group's history that it was
// too slow for.
func (c *Client) lostPosition(lost *item) {
	if lost != nil {
		c.cfg.OnJoined(lost.message.FromGroup, Joined{Position: lost.message.Position, Gap: true}, nil)
	}
}

func readJoined(c *Client, _ *link, b []byte, _ time.Time) error {
	var joined wire.Joined
	if err := joined.Parse(b); err != nil {
		return &protocolError{err}
	}
	r := joinResult{joined: Joined{Position: joined.Position, Gap: joined.Gap}}
	if joined.Code != 0 {
		r.err = &ResultError{Code: joined.Code, Text: joined.Text, Retryable: !joined.Code.Terminal()}
	}
	c.mu.Lock()
	var waiters []chan joinResult
	if g := c.groups[joined.Group]; g != nil {
		waiters, g.waiters = g.waiters, nil
		g.joined = r.err == nil
		switch {
		case r.err != nil:
		case g.position == 0:
			g.position = joined.Position // Nothing before it was asked for.
		case g.position > joined.Position:
			r.joined.Gap = true // The group has begun anew.
			g.position = joined.Position
		}
		if r.err != nil && joined.Code.Terminal() {
			delete(c.groups, joined.Group)
		}
	}
	c.mu.Unlock()
	for _, answer := range waiters {
		answer <- r // Each has room for its one answer.
	}
	c.cfg.OnJoined(joined.Group, r.joined, r.err)
	return nil
}
