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
	Gap      bool   // Some of what the device missed is no longer in the history.
}

// group is one that the device is or wants to be in. The Client's mutex guards
// it.
type group struct {
	position uint64 // the highest one handled
	due      bool   // a JOIN is to be written
	leaving  bool   // a LEAVE is to be written, and the group forgotten
	joined   bool   // the node said so, in this session
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

// joinAgain makes the groups be joined that the session is not in.
func (c *Client) joinAgain(resumed bool) {
	for name, g := range c.groups {
		switch {
		case !resumed && g.leaving:
			delete(c.groups, name)
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

// reachedPosition notes what was handled of a group's history.
func (c *Client) reachedPosition(name string, position uint64) {
	if g := c.groups[name]; g != nil {
		g.position = max(g.position, position)
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
		if g.position == 0 && r.err == nil {
			g.position = joined.Position // Nothing before it was asked for.
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
