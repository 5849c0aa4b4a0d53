package shard

import (
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk/wire"
)

// forgetTick is the resolution at which devices are forgotten.
const forgetTick = time.Minute

// forgetDevice ends what is stored for a device that has no session, and knows it
// no more.
func (s *Shard) forgetDevice(u *session.User, device, reason string) {
	s.tellForgotten(u, device, reason)
	u.Devices = slices.DeleteFunc(u.Devices, func(d session.Device) bool { return d.ID == device })
	s.submit(&job{user: u, op: store.Op{
		Kind: store.ForgetDevice, Device: device, Fate: envelope.Dropped, Reason: envelope.DeviceForgotten}})
}

// forget knows a device of a user no more, as an operator asked: its session ends, and
// what is pending for it.
func (s *Shard) forget(id, device string, op *operation) {
	u := s.users[id]
	if u == nil || device == "" {
		return
	}
	if ses := u.SessionOf(device); ses != nil {
		op.answer.Count += s.endReceiver(ses, envelope.DeviceForgotten)
		s.kick(ses, wire.CodeKicked, "the device was forgotten")
	}
	u.Devices = slices.DeleteFunc(u.Devices, func(d session.Device) bool { return d.ID == device })
	s.alsoStore(op, u, store.Op{
		Kind: store.ForgetDevice, Device: device, Fate: envelope.Dropped, Reason: envelope.DeviceForgotten})
}

// endReceiver ends what a session holds in memory for its device.
func (s *Shard) endReceiver(ses *session.Session, r envelope.Reason) (ended int) {
	s.chosen = ses.Pairs(func(*session.Pair) bool { return true }, s.chosen[:0])
	for _, p := range s.chosen {
		s.takeOut(p)
		s.end(p, envelope.Dropped, r)
	}
	return len(s.chosen)
}

// lastSeen notes that a device was here until now. It is stored anew only now and
// then: the store's word counts from the next start.
func (s *Shard) lastSeen(ses *session.Session) {
	if d := ses.User.Device(ses.Device); d != nil && s.now.Wall.Sub(d.Seen) >= knownEvery {
		d.Seen = s.now.Wall
		s.submit(&job{user: ses.User, op: store.Op{Kind: store.PutDevice, Device: d.ID, Platform: d.Platform, Seen: d.Seen}})
	}
}

// watchDevices sets the user's timer to when the first of his devices may have to
// be forgotten. It is not put off when that has passed meanwhile, only looked at.
func (s *Shard) watchDevices(u *session.User) {
	if u.Timer != 0 || len(u.Devices) == 0 {
		return
	}
	first := s.now.Wall.Add(s.cfg.DeviceTTL)
	for i := range u.Devices {
		if over := u.Devices[i].Seen.Add(s.cfg.DeviceTTL); over.Before(first) && u.SessionOf(u.Devices[i].ID) == nil {
			first = over
		}
	}
	u.Timer = s.unseen.Set(s.mono(first), u)
}

// forgetUnseen forgets the devices that were not seen for too long.
func (s *Shard) forgetUnseen() {
	s.overdue = s.unseen.Advance(s.now.Mono, s.overdue[:0])
	for _, u := range s.overdue {
		u.Timer = 0
		if s.users[u.ID] != u {
			continue
		}
		for i := len(u.Devices) - 1; i >= 0; i-- {
			d := &u.Devices[i]
			if u.SessionOf(d.ID) == nil && !d.Seen.Add(s.cfg.DeviceTTL).After(s.now.Wall) {
				s.forgetDevice(u, d.ID, reasonDeviceTTL)
			}
		}
		s.watchDevices(u)
	}
	clear(s.overdue)
}
