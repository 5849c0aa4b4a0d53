package session

import (
	"slices"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/wheel"
)

// User is an owner of devices, as his shard knows him: while he has a device,
// session, membership or stored message.
type User struct {
	ID       string
	Devices  []Device
	Sessions []*Session
	Members  Memberships // groups that the backend put him in
	Timer    wheel.ID    // looks for devices to be forgotten

	Stored int // pairs in the store, as far as answers told; may only err upwards
	Puts   int // Put operations without a good answer
	Busy   int // operations with the store, Page aside
	Failed int // operations that failed, and those behind them, until they are tried again

	// Pass and Ready belong to one look at what is to be tried again: whether it
	// is this user's turn.
	Pass  uint64
	Ready bool

	// Stamp and Put belong to the acceptance of one message: whether the user was
	// expanded, which Put of it is his, and what its receivers of his share.
	Stamp    uint64
	Put      PutRef
	KinStamp uint64
	Kin      *Kin
}

// PutRef is a user's place in the list of Puts of one acceptance.
type PutRef struct {
	Stamp uint64
	Index int
}

// Device is a known device.
type Device struct {
	ID, Platform string
	Seen         time.Time
}

// Device returns the known device of an id, or nil.
func (u *User) Device(id string) *Device {
	i := slices.IndexFunc(u.Devices, func(d Device) bool { return d.ID == id })
	if i < 0 {
		return nil
	}
	return &u.Devices[i]
}

// SessionOf returns the session of a device, or nil. A device has at most one.
func (u *User) SessionOf(device string) *Session {
	for _, s := range u.Sessions {
		if s.Device == device {
			return s
		}
	}
	return nil
}

// Has says whether a session with this key is there.
func (u *User) Has(key string) bool {
	return slices.ContainsFunc(u.Sessions, func(s *Session) bool { return s.Key() == key })
}

// Idle reports that nothing is known of the user that must be kept.
func (u *User) Idle() bool {
	return len(u.Devices)+len(u.Sessions)+len(u.Members)+u.Stored+u.Puts+u.Busy+u.Failed == 0
}

// RemoveSession takes a session off the user.
func (u *User) RemoveSession(s *Session) {
	if i := slices.Index(u.Sessions, s); i >= 0 {
		u.Sessions = slices.Delete(u.Sessions, i, i+1)
	}
}

// Holds says whether another session of the user than not has the message in
// memory, and returns the pairs that do.
func (u *User) Holds(m *envelope.Message, not *Session, out []*Pair) []*Pair {
	for _, s := range u.Sessions {
		if s != not {
			out = s.Pairs(func(p *Pair) bool { return SameMessage(p.Part.Message, m) }, out)
		}
	}
	return out
}

// SameMessage says whether two are one event, also if one came from the store.
func SameMessage(a, b *envelope.Message) bool {
	return a == b || (a.ID == b.ID && a.Scope == b.Scope)
}
