package client

import (
	"errors"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// link is one accepted connection.
type link struct {
	transport transport
	at        endpoint
	accept    *wire.Accept
	interval  time.Duration // at least this often something is sent and something received

	failOnce sync.Once
	failure  error // set once, read after serve's end

	// Everything following is guarded by the Client's mutex.
	sentAt     time.Time
	receivedAt time.Time
	pingAt     time.Time // when the PING that is not answered was sent; zero: there is none
	pings      uint64
	pong       uint64 // of the PING that is to be answered
	pongDue    bool
	ackAt      time.Time // when acks are written; zero: none are owed
	moveAt     time.Time // when to connect anew; zero: never
	moveTo     string
	leaving    bool // write what is owed, then end
}

// Without a heartbeat of the node's, this finds dead connections.
const intervalDefault = 30 * time.Second

// errLeft: the connection ended as Close wanted.
var errLeft = errors.New("client: left")

// moveError: the device follows a MOVE.
type moveError struct{ address string }

func (e *moveError) Error() string { return "moved by the node" }

func newLink(t transport, at endpoint, accept *wire.Accept, keepAlive time.Duration, now time.Time) *link {
	heartbeat := time.Duration(accept.HeartbeatMS) * time.Millisecond
	if heartbeat == 0 {
		heartbeat = keepAlive
	}
	if heartbeat == 0 {
		heartbeat = intervalDefault
	}
	// The node closes after one and a half heartbeats: a quarter of one is left
	// for the way and for clocks that tick coarsely.
	return &link{transport: t, at: at, accept: accept, interval: heartbeat * 3 / 4, sentAt: now, receivedAt: now}
}

// blame says why the connection ends; the first reason stays.
func (l *link) blame(err error) { l.failOnce.Do(func() { l.failure = err }) }

// fail ends the connection at once.
func (l *link) fail(err error) {
	l.blame(err)
	l.transport.shutdown()
}

// cause returns why it ended, once both goroutines are done.
func (l *link) cause() error { return l.failure }

// received notes that the node is there.
func (l *link) received(now time.Time) { l.receivedAt, l.pingAt = now, time.Time{} }

// ackSoon makes acks be written after delay, or at once if half of the window
// is handled.
func (l *link) ackSoon(unacked int, delay time.Duration, now time.Time) {
	if window := l.accept.Window; window > 0 && uint64(unacked) >= max(1, window/2) {
		delay = 0
	}
	if at := now.Add(delay); l.ackAt.IsZero() || at.Before(l.ackAt) {
		l.ackAt = at
	}
}
