package shard

import (
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/ack"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Rejoined is a connection that a plugin's process has kept while there was no core.
type Rejoined struct {
	Conn   sdk.ConnID
	Keep   []byte // what the core told it last to keep; valid during the call
	Seq    uint64 // highest number handed over to the connection
	Acked  uint64 // highest cumulative ack that its device has said
	Queued int    // bytes that wait for its socket; above 0: it is congested
	Gone   bool   // it has ended meanwhile: its session waits for its device
}

// Rejoin lets sessions of an earlier run go on with the connections that an instance
// has kept on this loop. It is called before any event of the instance's link, and
// answers each connection that is there with CommandResume or CommandClose. Numbers
// go on above those of before with nothing under way: what was not acked comes again
// from the store or the broker.
func (s *Shard) Rejoin(plugin int, conns []Rejoined) {
	for i := range conns {
		r := &conns[i]
		code := s.rejoin(connKey{plugin, r.Conn}, r)
		switch {
		case r.Gone:
		case code != 0:
			s.tellClose(connKey{plugin, r.Conn}, code, "the session cannot go on")
		default:
			s.command(plugin, sdk.Command{Kind: sdk.CommandResume, Conn: r.Conn})
		}
	}
}

// rejoin lets one session go on, or says why it cannot.
func (s *Shard) rejoin(key connKey, r *Rejoined) wire.Code {
	k := s.unseal(key.plugin, r.Keep)
	switch {
	case k == nil, s.cfg.Owner(k.user) != s.cfg.ID, s.conns[key] != nil, s.instances[key.plugin].isOver(key.conn):
		return wire.CodePluginRestart // The device begins anew.
	case s.draining != 0:
		return wire.Code(s.draining)
	case !k.expires.IsZero() && !k.expires.After(s.now.Wall) && !s.cfg.KeepExpired:
		return wire.CodeTokenExpired
	case len(s.slots)-len(s.free) >= s.cfg.SessionsMax:
		return wire.CodeOverloaded
	}
	if code := s.makeWayFor(k); code != 0 {
		return code
	}
	k.last = max(k.last, r.Seq, r.Acked)
	s.stats.Rejoined++
	ses := s.restore(k, key)
	s.rejoinGroups(ses, k, r.Gone)
	ses.Unkept = false // The plugin has it.
	if r.Gone {
		s.detach(ses)
		return 0
	}
	s.takeConn(ses, key)
	s.attached(ses)
	if r.Queued > 0 {
		s.congest(ses)
	}
	return 0
}

func (s *Shard) unseal(plugin int, sealed []byte) *kept {
	if s.cfg.Unseal == nil || len(sealed) == 0 {
		return nil
	}
	plain, err := s.cfg.Unseal(sealed)
	if err != nil {
		return nil
	}
	k, err := readKept(plain)
	if err != nil || k.plugin != s.cfg.Plugins[plugin] {
		return nil
	}
	return k
}

// makeWayFor ends what a session that goes on replaces, or says that it is replaced
// itself: by a later connection of its own or a later session of its device.
func (s *Shard) makeWayFor(k *kept) wire.Code {
	u := s.users[k.user]
	if u == nil {
		return 0
	}
	for _, other := range slices.Clone(u.Sessions) {
		same := other.ID == k.id
		switch {
		case !same && (k.device == "" || other.Device != k.device):
		case same && other.Conns >= k.conns:
			return wire.CodeTakenOver
		case !same && other.Epoch > k.epoch:
			return wire.CodeReplaced
		case same:
			k.last = max(k.last, other.Window.Last())
			s.kick(other, wire.CodeTakenOver, "the session goes on over another connection")
		default:
			s.kick(other, wire.CodeReplaced, "the same device has connected again")
		}
	}
	return 0
}

// restore makes the session as it was, without a connection.
func (s *Shard) restore(k *kept, key connKey) *session.Session {
	u := s.user(k.user)
	ses := &session.Session{
		ID: k.id, Token: k.token, Epoch: k.epoch, User: u, Device: k.device, Platform: k.platform, Client: k.client, Since: k.since,
		Plugin: key.plugin, Conn: key.conn, Peer: k.peer, State: session.Detached, Heartbeat: k.heartbeat, Expires: k.expires, WindowMax: k.windowMax,
		Headers: s.headersOf(k.headers), Conns: k.conns, Announced: true,
		Window: s.windows.OpenAfter(s.random.Uint64(), 0, k.last),
	}
	if slices.Contains(s.cfg.Codecs, k.codec) {
		if codec, ok := s.codecs.Lookup(k.codec); ok {
			ses.Codec = uint8(codec.Number())
		}
	}
	if u.Stored+u.Puts+u.Failed > 0 {
		s.fallBehind(ses)
	}
	s.addSlot(ses)
	s.detached++
	u.Sessions = append(u.Sessions, ses)
	s.knowDevice(ses)
	s.touch(u, ses.Key(), time.Time{})
	return ses
}

// detach has a session without a connection wait for its device.
func (s *Shard) detach(ses *session.Session) {
	ses.Window.Suspend(ack.Detached, s.now.Mono)
	ses.Until = s.now.Mono + s.resumeWindow()
	s.arm(ses)
}

// rejoinGroups joins a session to the groups that it was in, as far as they still let
// it in, and has it given what their histories got since. A device that has to come
// back asks for that itself.
func (s *Shard) rejoinGroups(ses *session.Session, k *kept, gone bool) {
	for i := range k.groups {
		g := &k.groups[i]
		switch {
		case g.claimed:
			s.joinByClaim(ses, g.name)
		case s.mayJoin(ses, g.name):
			s.join(ses, g.name, false)
		}
		if at := s.groups[g.name]; !gone && at != nil && at.HasSession(ses) {
			s.wish(ses, at, g.position)
		}
	}
}
