package shard

import (
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/pushcore/pushcore/core/compress"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Bounds of the heartbeat a device may wish for.
const (
	heartbeatLeast = 5 * time.Second
	heartbeatMost  = 10 * time.Minute
)

// login lets a device of this shard's users in, or tells why not: its earlier
// session goes on, or a new one begins.
func (s *Shard) login(from int, l *Login) {
	answer := &LoginAnswer{Plugin: l.Plugin, Conn: l.Conn}
	u := s.user(l.Auth.User)
	if old := s.resumable(u, l); old != nil && s.draining == 0 && s.resume(old, l) {
		answer.Accept = s.acceptOf(old, l)
		answer.Accept.Resumed = true
	} else if code, text := s.makeWay(u, l, old); code != 0 {
		answer.Code, answer.Text = uint16(code), text
		s.forgetIdle(u)
	} else {
		u = s.user(l.Auth.User) // Making way may have left nothing of him.
		answer.Accept = s.acceptOf(s.newSession(u, l), l)
	}
	s.toPeer(from, answer)
}

// makeWay ends what a new session replaces, or says why there can be none.
func (s *Shard) makeWay(u *session.User, l *Login, old *session.Session) (wire.Code, string) {
	if s.draining != 0 {
		return wire.Code(s.draining), "the node is stopping"
	}
	if len(s.slots)-len(s.free) >= s.cfg.SessionsMax {
		return wire.CodeOverloaded, "this node is full"
	}
	if old != nil { // Its state cannot go on: the device begins anew.
		s.kick(old, wire.CodeTakenOver, "the device begins anew over another connection")
	}
	if d := l.Auth.Device; d != "" {
		if other := u.SessionOf(d); other != nil {
			s.kick(other, wire.CodeReplaced, "the same device has connected again")
		}
	}
	return s.applyPlatform(u, l.Auth.Platform)
}

// resumable finds the session that a device asks to go on with: by its token, or,
// for protocols without one, by the authenticated device itself.
func (s *Shard) resumable(u *session.User, l *Login) *session.Session {
	r := l.Connect.Resume
	if r == nil {
		return nil
	}
	for _, ses := range u.Sessions {
		if ses.Device != l.Auth.Device {
			continue
		}
		if r.Token == nil && ses.Device != "" {
			return ses
		}
		if subtle.ConstantTimeCompare(r.Token, ses.Token) == 1 {
			return ses
		}
	}
	return nil
}

// resume moves a session to its new connection; false if what the device says of
// it cannot be.
func (s *Shard) resume(ses *session.Session, l *Login) bool {
	r := l.Connect.Resume
	if r.Token != nil {
		if r.Epoch != ses.Epoch || r.Seq > ses.Window.Last() {
			return false
		}
		s.acked(ses, r.Seq, nil)
	}
	if ses.State == session.Attached || ses.State == session.Attaching {
		s.closeConn(ses, wire.CodeTakenOver, "the session goes on over another connection")
	}
	s.stats.Resumed++
	s.describe(ses, l)
	s.await(ses, l)
	return true
}

// newSession begins a session of a user.
func (s *Shard) newSession(u *session.User, l *Login) *session.Session {
	ses := &session.Session{
		User: u, Device: l.Auth.Device, Token: make([]byte, tokenSize), Since: s.now.Wall, State: session.Detached,
		Window: s.windows.Open(s.random.Uint64(), 0),
	}
	if u.Stored+u.Puts+u.Failed > 0 {
		s.fallBehind(ses)
	}
	binary.BigEndian.PutUint64(ses.Token, s.random.Uint64())
	binary.BigEndian.PutUint64(ses.Token[8:], s.random.Uint64())
	ses.ID = hex.EncodeToString(ses.Token[:8])
	binary.BigEndian.PutUint64(ses.Token[:8], s.random.Uint64())
	s.epochs++
	ses.Epoch = uint64(s.now.Wall.UnixMilli())<<10 | s.epochs&(1<<10-1)
	s.addSlot(ses)
	s.detached++
	u.Sessions = append(u.Sessions, ses)
	s.describe(ses, l)
	s.knowDevice(ses)
	s.touch(u, ses.Key(), time.Time{})
	for _, name := range l.Auth.Groups {
		s.joinByClaim(ses, name)
	}
	s.await(ses, l)
	return ses
}

func (s *Shard) addSlot(ses *session.Session) {
	if n := len(s.free); n > 0 {
		ses.Slot = s.free[n-1]
		s.free = s.free[:n-1]
		s.slots[ses.Slot] = ses
		return
	}
	ses.Slot = uint32(len(s.slots))
	s.slots = append(s.slots, ses)
}

// describe takes over what CONNECT says of the device and how it wants messages.
func (s *Shard) describe(ses *session.Session, l *Login) {
	c := l.Connect
	ses.Platform, ses.Expires = l.Auth.Platform, l.Auth.Expires
	ses.Heartbeat = s.cfg.Heartbeat
	if c.KeepAlive > 0 {
		ses.Heartbeat = min(max(c.KeepAlive, heartbeatLeast), heartbeatMost)
	}
	ses.WindowMax, ses.Refreshing = max(0, c.Window), false
	ses.Codec = 0
	if name := compress.Choose(c.Codecs, s.cfg.Codecs); name != "" {
		codec, _ := s.codecs.Lookup(name) // Choose gives only names that are known.
		ses.Codec = uint8(codec.Number())
	}
	ses.Headers = s.headersOf(c.Headers)
	for _, m := range c.Meta {
		switch m.Name {
		case sdk.MetaClientName:
			ses.Client.Name = m.Value
		case sdk.MetaClientVersion:
			ses.Client.Version = m.Value
		case sdk.MetaPeer:
			ses.Peer = m.Value
		}
	}
	for _, m := range c.Meta {
		if m.Name == sdk.MetaForwardedPeer {
			ses.Peer = m.Value
		}
	}
	ses.Wanted = append(ses.Wanted[:0], c.Groups...)
}

// await gives the session the connection that is on its way to this loop.
func (s *Shard) await(ses *session.Session, l *Login) {
	s.takeConn(ses, connKey{l.Plugin, l.Conn})
	ses.Conns++
}

func (s *Shard) takeConn(ses *session.Session, key connKey) {
	if ses.State == session.Detached {
		s.detached--
	}
	ses.Plugin, ses.Conn, ses.State, ses.Congested, ses.Closing = key.plugin, key.conn, session.Attaching, false, 0
	s.conns[key] = ses
}

// knownEvery is how often a device's last login is stored anew.
const knownEvery = time.Hour

// knowDevice makes the session's device known, or notes that it was here.
func (s *Shard) knowDevice(ses *session.Session) {
	if ses.Device == "" {
		return
	}
	d := ses.User.Device(ses.Device)
	if d != nil && d.Platform == ses.Platform && s.now.Wall.Sub(d.Seen) < knownEvery {
		return
	}
	if d == nil {
		ses.User.Devices = append(ses.User.Devices, session.Device{ID: ses.Device})
		d = &ses.User.Devices[len(ses.User.Devices)-1]
	}
	d.Platform, d.Seen = ses.Platform, s.now.Wall
	s.watchDevices(ses.User)
	s.submit(&job{user: ses.User, op: store.Op{Kind: store.PutDevice, Device: d.ID, Platform: d.Platform, Seen: d.Seen}})
}

// applyPlatform holds the policy for sessions of one platform.
func (s *Shard) applyPlatform(u *session.User, platform string) (wire.Code, string) {
	policy, ok := s.cfg.Platforms[platform]
	if !ok {
		policy = s.cfg.Platforms["*"]
	}
	if policy.Max == 0 {
		return 0, ""
	}
	var oldest *session.Session
	count := 0
	for _, ses := range u.Sessions {
		if ses.Platform == platform {
			count++
			if oldest == nil || ses.Since.Before(oldest.Since) {
				oldest = ses
			}
		}
	}
	if count < policy.Max {
		return 0, ""
	}
	if policy.Oldest {
		return wire.CodePlatformLimit, "too many sessions of this platform"
	}
	s.endReceiver(oldest, envelope.DeviceForgotten) // The user has changed devices.
	s.kick(oldest, wire.CodePlatformLimit, "a newer session of this platform has begun")
	if oldest.Device != "" {
		s.forgetDevice(u, oldest.Device, wire.CodePlatformLimit.String())
	}
	return 0, ""
}

func (s *Shard) acceptOf(ses *session.Session, l *Login) *sdk.Accept {
	a := &sdk.Accept{
		Owner: sdk.Loop(s.cfg.ID), Token: ses.Token, Epoch: ses.Epoch,
		Heartbeat: ses.Heartbeat, Expires: ses.Expires, Codec: compress.Number(ses.Codec).Name(),
		MaxUplink: s.cfg.PayloadMax, Window: s.cfg.Ack.MessagesMax, RememberIDs: s.cfg.RememberIDs,
		User: ses.User.ID, Device: ses.Device, Keep: s.keepOf(ses),
	}
	if ses.WindowMax > 0 {
		a.Window = min(a.Window, ses.WindowMax)
	}
	return a
}

// kick ends a session for good and tells its device why.
func (s *Shard) kick(ses *session.Session, code wire.Code, text string) {
	if ses.State == session.Attached || ses.State == session.Attaching {
		s.closeConn(ses, code, text)
	}
	ses.Lost = uint16(code)
	s.endSession(ses)
}
