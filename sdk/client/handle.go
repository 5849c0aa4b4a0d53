package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// handle gives messages to the Handler, one at a time.
func (c *Client) handle() {
	defer close(c.handled)
	var codecs decompressor
	for {
		select {
		case <-c.closing:
			return
		case <-c.done:
			return
		default:
		}
		if c.handleNext(&codecs) {
			continue
		}
		select {
		case <-c.work:
		case <-c.closing:
			return
		case <-c.done:
			return
		}
	}
}

// handleNext handles one message; false: there is none.
func (c *Client) handleNext(codecs *decompressor) bool {
	c.mu.Lock()
	it := c.inbox.next()
	if it == nil {
		c.mu.Unlock()
		return false
	}
	if c.inbox.came(it) {
		c.mu.Unlock()
		c.finish(it, nil)
		return true
	}
	c.inbox.stats.Received++
	m := it.message // it may get another number meanwhile.
	codec := it.codec
	c.mu.Unlock()
	var err error
	if codec != "" {
		m.Payload, err = codecs.decompress(codec, m.Payload, c.cfg.PayloadBytesMax)
	}
	if err == nil {
		err = c.cfg.Handler(c.ctx, m)
	}
	c.finish(it, err)
	return true
}

// finish does with a message what the Handler said.
func (c *Client) finish(it *item, err error) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return // It was told to give up: the message comes again by itself.
	}
	if err == nil {
		c.inbox.done(it)
		c.reachedPosition(it)
	} else {
		c.inbox.refuse(c.nackOf(it, err))
	}
	if c.link != nil && it.reliable {
		c.link.ackSoon(c.inbox.unacked, c.cfg.AckDelay, now)
		notify(c.wake)
	}
}

func (c *Client) nackOf(it *item, err error) nack {
	n := nack{item: it, after: c.cfg.RetryDelay, text: err.Error()}
	var retry *retryError
	var final *refusal
	switch {
	case errors.As(err, &final):
		n.final = true
	case errors.As(err, &retry):
		n.after = retry.delay
	}
	if !it.reliable {
		c.cfg.Log.Warn("a fast message was not handled", "id", it.message.ID, "error", err)
	}
	return n
}

// tooLong is what the device says of a payload that it does not take.
func tooLong(limit int) error {
	return Refuse(fmt.Errorf("payload longer than %d bytes: %s", limit, wire.CodeFrameTooLarge))
}
