package shard

import (
	"bytes"
	"slices"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// arrival is a device on its way in, as the accepting shard knows it: first it
// waits for authentication, then for the owner of its user.
type arrival struct {
	connect *sdk.Connect
	asked   bool // the owner, who is
	owner   int
}

// letIn remembers whom a connection was handed to, in case it dies before the
// transport hears of it.
type letIn struct {
	key   connKey
	owner int
	until time.Duration
}

// letInKept is how long a transport may take to apply an Accept.
const letInKept = 30 * time.Second

// connect asks who a device is.
func (s *Shard) connect(key connKey, c *sdk.Connect) {
	if s.draining != 0 {
		s.reject(key, s.draining, "the node is stopping")
		return
	}
	if s.arrivals[key] != nil || s.conns[key] != nil {
		return // The transport's fault: a connection says CONNECT once.
	}
	c = cloneConnect(c)
	s.arrivals[key] = &arrival{connect: c}
	s.effects.Auth = append(s.effects.Auth, AuthRequest{Loop: s.cfg.ID, Plugin: key.plugin, Conn: key.conn, Connect: c})
}

// cloneConnect copies what is valid during Emit only.
func cloneConnect(c *sdk.Connect) *sdk.Connect {
	n := *c
	n.Credentials.Cert = bytes.Clone(c.Credentials.Cert)
	n.Codecs, n.Headers = slices.Clone(c.Codecs), slices.Clone(c.Headers)
	n.Groups, n.Meta = slices.Clone(c.Groups), slices.Clone(c.Meta)
	if c.Resume != nil {
		n.Resume = &sdk.Resume{Token: bytes.Clone(c.Resume.Token), Epoch: c.Resume.Epoch, Seq: c.Resume.Seq}
	}
	return &n
}

// authenticated goes on with a device whose user is known now.
func (s *Shard) authenticated(r *AuthResult) {
	key := s.keyOf(r.Plugin, r.Conn)
	if r.Refresh {
		s.refreshed(key, r)
		return
	}
	a := s.arrivals[key]
	if a == nil || a.asked {
		return // It died meanwhile.
	}
	if s.vacating && r.Code == 0 {
		return // It is let in by who takes over.
	}
	if r.Code != 0 {
		delete(s.arrivals, key)
		s.reject(key, r.Code, r.Text)
		return
	}
	a.asked, a.owner = true, s.cfg.Owner(r.User)
	s.toPeer(a.owner, &Login{Plugin: key.plugin, Conn: key.conn, Auth: r, Connect: a.connect})
}

// loginAnswered answers the device as the owner said.
func (s *Shard) loginAnswered(owner int, m *LoginAnswer) {
	key := s.keyOf(m.Plugin, m.Conn)
	if s.arrivals[key] == nil {
		return // It died meanwhile; the owner has been told.
	}
	delete(s.arrivals, key)
	if m.Accept == nil {
		s.reject(key, m.Code, m.Text)
		return
	}
	if owner != s.cfg.ID {
		s.letIn = append(s.letIn, letIn{key, owner, s.now.Mono + letInKept})
	}
	s.command(key.plugin, sdk.Command{Kind: sdk.CommandAccept, Conn: key.conn, Accept: m.Accept})
}

func (s *Shard) reject(key connKey, code uint16, text string) {
	s.stats.reject(key.plugin, code)
	s.command(key.plugin, sdk.Command{
		Kind: sdk.CommandReject, Conn: key.conn, Code: code, Text: text, Reconnect: reconnectRule(code)})
}

// reconnectRule is what the registry says of a code.
func reconnectRule(code uint16) wire.Reconnect {
	if info, ok := wire.Code(code).Info(); ok {
		return wire.Reconnect{Rule: info.Reconnect}
	}
	if wire.Code(code).Terminal() {
		return wire.Reconnect{Rule: wire.ReconnectNo}
	}
	return wire.Reconnect{}
}

// closedEarly takes the end of a connection that has no session here.
func (s *Shard) closedEarly(key connKey) {
	delete(s.doomed, key)
	s.closedBefore(key)
	if a := s.arrivals[key]; a != nil {
		delete(s.arrivals, key)
		if a.asked {
			s.toPeer(a.owner, &LoginGone{Plugin: key.plugin, Conn: key.conn})
		}
		return
	}
	for i, l := range s.letIn {
		if l.key == key {
			s.letIn = slices.Delete(s.letIn, i, i+1)
			s.toPeer(l.owner, &LoginGone{Plugin: key.plugin, Conn: key.conn})
			return
		}
	}
}

// forgetLetIn drops what the transports must have applied by now.
func (s *Shard) forgetLetIn() {
	n := 0
	for n < len(s.letIn) && s.letIn[n].until <= s.now.Mono {
		n++
	}
	s.letIn = slices.Delete(s.letIn, 0, n)
}
