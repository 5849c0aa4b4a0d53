package client

import (
	"context"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// token is what the device proves itself with. The Client's mutex guards it.
type token struct {
	text      string
	stale     bool      // the node called it expired
	expiry    time.Time // zero: never, or not known
	refreshAt time.Time // when to fetch another one; zero: not now
	fresh     string    // fetched, to be written in a REFRESH
}

const (
	// refreshAhead is how long before its expiry a token is replaced, or when a
	// fifth of its time is left if that is later.
	refreshAhead = time.Minute
	// refreshPause is between two attempts, however wrong the clock.
	refreshPause = 10 * time.Second
)

// expires notes what the node said of the token's expiry: milliseconds since
// 1970, 0: never.
func (t *token) expires(ms uint64, now time.Time) {
	t.expiry, t.refreshAt, t.fresh = time.Time{}, time.Time{}, ""
	if ms == 0 {
		return
	}
	t.expiry = time.UnixMilli(int64(ms))
	left := t.expiry.Sub(now)
	t.refreshAt = now.Add(max(left-min(left/5, refreshAhead), refreshPause))
}

// refreshDue tells, once, that another token is to be fetched.
func (t *token) refreshDue(now time.Time, possible bool) bool {
	if t.refreshAt.IsZero() || now.Before(t.refreshAt) {
		return false
	}
	t.refreshAt = time.Time{}
	return possible
}

// take takes the token that is to be written.
func (t *token) take() (string, bool) {
	if t.fresh == "" {
		return "", false
	}
	t.text, t.fresh = t.fresh, ""
	return t.text, true
}

// currentToken returns the token for a CONNECT, another one if the last one is
// of no use any more.
func (c *Client) currentToken(ctx context.Context) (string, error) {
	c.mu.Lock()
	c.token.take()
	text := c.token.text
	usable := text != "" && !c.token.stale && (c.token.expiry.IsZero() || time.Until(c.token.expiry) > refreshPause)
	c.mu.Unlock()
	if c.cfg.TokenSource == nil || usable {
		return text, nil
	}
	text, err := c.fetchToken(ctx)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.token = token{text: text}
	c.mu.Unlock()
	return text, nil
}

func (c *Client) fetchToken(ctx context.Context) (string, error) {
	text, err := c.cfg.TokenSource(ctx)
	if err == nil && len(text) > wire.CredentialBytesMax {
		err = fmt.Errorf("a token of more than %d bytes", wire.CredentialBytesMax)
	}
	return text, err
}

// refresh fetches another token for the connection whose context is ctx.
func (c *Client) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ConnectTimeout)
	defer cancel()
	text, err := c.fetchToken(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || text == "" {
		c.cfg.Log.Warn("no new token", "error", err)
		c.token.refreshAt = time.Now().Add(refreshPause)
	} else {
		c.token.fresh = text
	}
	notify(c.wake)
}

func readRefreshed(c *Client, _ *link, b []byte, now time.Time) error {
	var refreshed wire.Refreshed
	if err := refreshed.Parse(b); err != nil {
		return &protocolError{err}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if refreshed.Code != 0 {
		c.cfg.Log.Warn("the new token was refused", "code", uint16(refreshed.Code), "name", refreshed.Code.String(), "text", refreshed.Text)
		c.token.refreshAt = now.Add(refreshPause)
	} else {
		c.token.expires(refreshed.ExpiresMS, now)
	}
	notify(c.wake)
	return nil
}
