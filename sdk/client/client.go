package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// Client is a device that stays connected. Its methods may be called from any
// goroutine, also from the Handler's, Close aside.
type Client struct {
	cfg      Config
	idPrefix string             // of uplink ids: another one for each Client
	ctx      context.Context    // ends when all shall end
	cancel   context.CancelFunc // ends it
	wake     chan struct{}      // state → write
	work     chan struct{}      // state → handle
	closing  chan struct{}      // Close → handle, and who waits
	handled  chan struct{}      // closed when handle has returned
	done     chan struct{}      // closed when run has returned

	mu       sync.Mutex // guards the rest
	inbox    inbox
	session  wire.Resume   // of the last ACCEPT
	link     *link         // the accepted connection; nil: there is none
	accepted chan struct{} // closed when link is set; another one when it is lost
	uplinks  uplinks
	groups   map[string]*group
	token    token
	stopping bool
	err      error // why it ended
}

// New returns a Client that connects by itself until Close is called or the
// node tells it not to come back.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	c := &Client{
		cfg: cfg, idPrefix: strconv.FormatUint(rand.Uint64(), 36) + "-",
		wake: make(chan struct{}, 1), work: make(chan struct{}, 1), closing: make(chan struct{}),
		handled: make(chan struct{}), done: make(chan struct{}), accepted: make(chan struct{}),
		inbox: newInbox(cfg.FastMax), groups: map[string]*group{}, token: token{text: cfg.Token},
	}
	for _, name := range cfg.Groups {
		c.groups[name] = &group{}
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.run()
	go c.handle()
	return c, nil
}

// Dial is New, and waits until the node has accepted the device. If it cannot
// be reached before ctx ends, the Client is closed.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	accepted := c.accepted
	c.mu.Unlock()
	select {
	case <-accepted:
		return c, nil
	case <-c.done:
		<-c.handled
		return nil, c.Err()
	case <-ctx.Done():
		ended, cancel := context.WithCancel(context.Background())
		cancel() // There is nothing to be patient for.
		_ = c.Close(ended)
		return nil, context.Cause(ctx)
	}
}

// Close ends the connection. The message that the Handler is about to handle
// is waited for and acked; what waits behind it is not handled and comes again
// to the device's next session. When ctx ends first, the Handler's context
// ends and its message is not acked; Close then returns ctx's error, as soon
// as the Handler has returned.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	if !c.stopping {
		c.stopping = true
		close(c.closing)
	}
	c.mu.Unlock()
	var err error
	select {
	case <-c.handled:
	case <-ctx.Done():
		err = ctx.Err()
		c.cancel()
	}
	c.leave()
	select {
	case <-c.done:
	case <-ctx.Done():
		c.cancel()
	}
	<-c.done
	<-c.handled
	return err
}

// leave lets the connection end after what is owed was written.
func (c *Client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil {
		c.cancel()
		return
	}
	c.link.leaving = true
	notify(c.wake)
}

// Done is closed when the Client has ended, by Close or because the node told
// it not to come back.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err says why the Client ended: ErrClosed, or a *CloseError. It is nil before.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Stats returns what was counted so far.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inbox.stats
}

// run connects, serves the connection, and connects again.
func (c *Client) run() {
	defer close(c.done)
	defer c.cancel()
	var plan plan
	plan.urls = c.cfg.URLs
	err := c.stay(&plan)
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	c.cfg.OnState(State{Phase: Ended, Err: err})
}

// stay returns why the device must not connect again.
func (c *Client) stay(plan *plan) error {
	for {
		at := plan.next()
		c.cfg.OnState(State{Phase: Connecting, URL: at.text})
		l, err := c.connect(at)
		if err == nil {
			err = c.serve(l)
			plan.served(err)
		}
		if c.ctx.Err() != nil || errors.Is(err, errLeft) {
			return ErrClosed
		}
		if c.final(err) {
			return err
		}
		delay := plan.after(err, at)
		c.cfg.OnState(State{Phase: Disconnected, URL: at.text, Err: err, RetryIn: delay})
		select {
		case <-time.After(delay):
		case <-c.closing:
			return ErrClosed
		case <-c.ctx.Done():
			return ErrClosed
		}
	}
}

// final tells whether err is the end. An expired token is, if there can be no
// other one.
func (c *Client) final(err error) bool {
	var closed *CloseError
	if !errors.As(err, &closed) {
		return false
	}
	if closed.Code == wire.CodeTokenExpired {
		c.mu.Lock()
		c.token.stale = true
		c.mu.Unlock()
		return c.cfg.TokenSource == nil
	}
	return closed.Reconnect.Rule == wire.ReconnectNo
}

// notify wakes whoever waits for the channel, now or when he next does.
func notify(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
