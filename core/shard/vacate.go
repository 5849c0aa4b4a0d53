package shard

import (
	"errors"
	"math"

	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
)

// Vacate tells the shard that another process is about to take over its sessions
// with their connections: who comes now waits for that one, and what nobody has
// acked is stored.
type Vacate struct{}

func (*Vacate) ShardInput() {} // see PostedEvents

// Leaving is what a process that takes over has to know of a connection: its
// session, or what its device has said that waits to be let in.
type Leaving struct {
	Rejoined
	Connect *sdk.Connect // nil: there is a session
}

func (s *Shard) vacate() {
	s.vacating = true
	for _, ses := range s.slots {
		if ses != nil {
			s.storeBefore(ses, math.MaxUint64)
		}
	}
}

// Leaving tells of the connections of an instance. Nothing is to be served to them
// any more. It needs Config.Seal.
func (s *Shard) Leaving(plugin int) (out []Leaving) {
	for key, ses := range s.conns {
		if key.plugin != plugin || ses.State != session.Attached {
			continue
		}
		r := Rejoined{Conn: ses.Conn, Seq: ses.Window.Last(), Keep: s.cfg.Seal(appendKept(nil, s.keptOf(ses)))}
		if ses.Congested {
			r.Queued = 1
		}
		out = append(out, Leaving{Rejoined: r})
	}
	for key, a := range s.arrivals {
		if key.plugin == plugin && !a.asked {
			out = append(out, Leaving{Rejoined: Rejoined{Conn: key.conn}, Connect: a.connect})
		}
	}
	return out
}

// KeptUser is the user of what was unsealed of a session.
func KeptUser(plain []byte) (string, error) {
	k, err := readKept(plain)
	if err != nil {
		return "", errors.Join(errKept, err)
	}
	return k.user, nil
}
