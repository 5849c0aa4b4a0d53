package client

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// The bound of the time between attempts: it begins at the first and doubles
// with each failure up to the second.
const (
	backoffMin = 500 * time.Millisecond
	backoffMax = 30 * time.Second
)

// plan says where and when to connect next. It belongs to run.
type plan struct {
	urls     []string
	turn     int       // which of them is next
	guest    *endpoint // where the node sent the device; nil: nowhere
	failures int       // since the last ACCEPT
}

// next returns where to connect.
func (p *plan) next() endpoint {
	if e := p.guest; e != nil {
		p.guest = nil
		return *e
	}
	e, _ := parseEndpoint(p.urls[p.turn%len(p.urls)]) // Validate has seen it.
	return e
}

// served says that a node had accepted the device. The back-off begins anew
// unless the node cannot be understood: that would be so again at once.
func (p *plan) served(err error) {
	var fault *protocolError
	if !errors.As(err, &fault) {
		p.failures = 0
	}
}

// after says that the connection to at failed or broke, and returns how long
// to wait.
func (p *plan) after(err error, at endpoint) time.Duration {
	var moved *moveError
	if errors.As(err, &moved) { // Its random time is over already.
		p.follow(moved.address, at)
		return 0
	}
	delay := rand.N(backoff(p.failures))
	p.failures++
	p.turn++
	var closed *CloseError
	if errors.As(err, &closed) {
		switch closed.Reconnect.Rule {
		case wire.ReconnectAfter:
			delay += time.Duration(closed.Reconnect.AfterMS) * time.Millisecond
		case wire.ReconnectElsewhere:
			p.follow(closed.Reconnect.Address, at)
		}
	}
	return delay
}

// backoff is the bound of the delay after so many failures.
func backoff(failures int) time.Duration {
	return min(backoffMin<<min(failures, 10), backoffMax)
}

// follow takes the address that the node gave. What cannot be used is left
// out, and so is a plain connection in place of a secured one: credentials
// would go over it.
func (p *plan) follow(address string, from endpoint) {
	if address == "" {
		return
	}
	if e, err := parseEndpoint(address); err == nil && (e.secure || !from.secure) {
		p.guest = &e
	}
}
