package shard

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// What is told of sessions where Config.Events says so.
const (
	eventOnline    = "online"           // a session has begun
	eventResumed   = "resumed"          // it goes on over another connection
	eventKicked    = "kicked"           // the backend or an operator ends it; offline follows
	eventOffline   = "offline"          // it is over
	eventForgotten = "device_forgotten" // the device is known no more
	eventStarted   = "node_started"     // what an earlier run has told is over
)

// Why a session is over, or a device forgotten, besides the names of close codes.
const (
	reasonClosed    = "closed"     // the connection was closed, and the device did not come back
	reasonDeviceTTL = "device_ttl" // it was not here for so long
)

// eventsMost bounds the events that wait for a broker. Beyond it only the latest of
// each device is kept.
const eventsMost = 50_000

// eventBody is an event as surface of the product; see docs/guarantees.md. It has
// no address of the device: who needs that asks for the session.
type eventBody struct {
	Event    string     `json:"event"`
	User     string     `json:"user,omitempty"`
	Device   string     `json:"device,omitempty"`
	Session  string     `json:"session,omitempty"`
	Platform string     `json:"platform,omitempty"`
	Plugin   string     `json:"plugin,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Since    *time.Time `json:"since,omitempty"`
	At       time.Time  `json:"at"`
	Node     string     `json:"node"`
	Run      string     `json:"run"`
}

// tellSession tells of a session.
func (s *Shard) tellSession(event string, ses *session.Session, reason string) {
	if !s.cfg.Events {
		return
	}
	since := ses.Since.UTC()
	about := ses.Device
	if about == "" {
		about = ses.Key()
	}
	s.tellEvent(about, eventBody{
		Event: event, User: ses.User.ID, Device: ses.Device, Session: ses.ID, Platform: ses.Platform,
		Plugin: s.cfg.Plugins[ses.Plugin], Reason: reason, Since: &since})
}

// tellAttached tells that a session has a connection: its first, or another.
func (s *Shard) tellAttached(ses *session.Session) {
	event := eventResumed
	if !ses.Announced {
		event, ses.Announced = eventOnline, true
	}
	s.tellSession(event, ses, "")
}

// tellEnded tells that a session is over. One that never had a connection here was
// never told of.
func (s *Shard) tellEnded(ses *session.Session) {
	if !ses.Announced {
		return
	}
	reason := reasonClosed
	if ses.Lost != 0 {
		reason = wire.Code(ses.Lost).String()
	}
	if ses.Lost == uint16(wire.CodeKicked) {
		s.tellSession(eventKicked, ses, "")
	}
	s.tellSession(eventOffline, ses, reason)
}

// tellForgotten tells that a device is known no more.
func (s *Shard) tellForgotten(u *session.User, device, reason string) {
	if !s.cfg.Events {
		return
	}
	body := eventBody{Event: eventForgotten, User: u.ID, Device: device, Reason: reason}
	if d := u.Device(device); d != nil {
		body.Platform = d.Platform
	}
	s.tellEvent(device, body)
}

// tellStarted tells that a run of the node begins: of its earlier runs no session is
// left, whatever was told of them.
func (s *Shard) tellStarted() {
	if s.cfg.Events && s.cfg.ID == 0 {
		s.tellEvent("", eventBody{Event: eventStarted})
	}
}

func (s *Shard) tellEvent(about string, b eventBody) {
	b.At, b.Node, b.Run = s.now.Wall.UTC(), s.cfg.Node, s.cfg.Run
	key := b.User
	if key == "" {
		key = b.Node
	}
	if s.events >= eventsMost && b.User != "" && !s.mergeEvents(b.User, about, b.Event) {
		return
	}
	body, _ := json.Marshal(b) // It is plain data: it cannot fail.
	s.lineUp(b.User, &notice{about: about, event: b.Event, what: Publish{Output: sdk.OutputEvents, Key: []byte(key), Body: body}})
}

// mergeEvents drops what waits of a device, for something newer is to be told. A
// session of which no broker knows need not be told of when it ends.
func (s *Shard) mergeEvents(user, about, event string) (tell bool) {
	key := lineKey{user: user, output: sdk.OutputEvents}
	line := s.lines[key]
	tell = true
	for i := len(line) - 1; i > 0; i-- { // The first may be with the broker.
		if n := line[i]; n.about == about {
			tell = tell && (event != eventOffline || n.event != eventOnline)
			s.uncount(n)
			s.stats.EventsMerged++
			line = slices.Delete(line, i, i+1)
		}
	}
	if line != nil {
		s.lines[key] = line
	}
	return tell
}
