package process

import (
	"errors"

	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// seat is a transport instance's place on one loop: between the loop's port and
// the link to the plugin's process, of which there is one at a time. All is owned
// by the loop, unless it says otherwise.
type seat struct {
	loop sdk.Loop   // immutable
	port *loop.Port // immutable

	link   *pluginrpc.Link // nil: no process
	prefix sdk.ConnID      // of its process
	tabled func()          // called when the table of a process that was there before has come; or nil
	broken func(error)     // of the link; it must not block

	// While a successor takes over:
	heir     *heirSeat
	upgrade  *upgrade
	held     bool // commands wait
	leaving  bool // the link is read for the last time
	commands []sdk.Command
}

var _ pluginrpc.Owner = (*seat)(nil)

// Credit implements pluginrpc.Owner, as the following do.
func (s *seat) Credit() int { return s.port.Credit() }

func (s *seat) Emit(e []sdk.Event) { s.port.Emit(e) }

func (s *seat) Poller() sdk.Poller { return s.port.Poller() }

func (s *seat) Block(blocked bool) {
	if !s.held {
		s.port.Block(blocked)
	}
}

func (s *seat) Written(batches uint64) { s.port.Written(batches) }

func (s *seat) Table(conns []pluginrpc.Conn) {
	rejoined := make([]shard.Rejoined, len(conns))
	for i, c := range conns {
		rejoined[i] = shard.Rejoined{Conn: c.Conn, Keep: c.Keep, Seq: c.Seq, Acked: c.Acked, Queued: c.Queued, Gone: c.Gone}
	}
	s.port.Rejoin(rejoined)
	if s.tabled != nil {
		s.tabled()
	}
}

// Frozen says that the process has handed over this loop's connections.
func (s *seat) Frozen() {
	if s.upgrade != nil {
		s.upgrade.tell(stepFrozen, nil)
	}
}

// Adopted comes from a process that takes over, which has a heirSeat until then.
func (s *seat) Adopted([]pluginrpc.Renamed) {
	s.linkBroken(errors.New("the plugin adopts connections that nobody handed over"))
}

func (s *seat) Broken(err error) {
	if s.leaving {
		return // All that it had to tell was told.
	}
	if s.upgrade != nil {
		s.upgrade.tell(stepBroken, err)
	}
	s.linkBroken(err)
}

func (s *seat) linkBroken(err error) {
	s.down()
	s.broken(err)
}

// down tells the shard that the process and all its connections are gone.
func (s *seat) down() {
	if s.heir != nil {
		if s.heir.link != nil {
			s.heir.link.Close()
		}
		s.heir = nil
	}
	if s.link == nil {
		return
	}
	s.link.Close()
	s.link = nil
	s.port.Down(uint16(s.prefix >> 48))
	s.commands = nil
	if s.held {
		s.release(nil)
	}
}

// hold begins a hand-over: nothing more is delivered, and commands wait.
func (s *seat) hold(u *upgrade) {
	s.upgrade, s.held = u, true
	s.port.Block(true)
}

// sync tells the upgrade when the process has carried out all it was sent. The seat
// has forgotten the upgrade if the process's end came first.
func (s *seat) sync(u *upgrade) {
	if s.link == nil {
		u.tell(stepBroken, errors.New("the process has ended"))
		return
	}
	s.link.Barrier(func() { u.tell(stepSynced, nil) })
}

// freeze sends the last record to the process.
func (s *seat) freeze(u *upgrade) {
	if s.link == nil {
		u.tell(stepBroken, errors.New("the process has ended"))
		return
	}
	s.link.Freeze()
	s.link.Flush()
}

// release lets deliveries and what commands have waited go on, the latter with the
// ids that their connections have now.
func (s *seat) release(now map[sdk.ConnID]sdk.ConnID) {
	commands := s.commands
	s.upgrade, s.held, s.commands = nil, false, nil
	for i := range commands {
		if to, moved := now[commands[i].Conn]; moved {
			commands[i].Conn = to
		}
	}
	if s.link != nil && len(commands) > 0 {
		s.link.Command(commands)
		s.link.Flush()
	}
	s.port.Block(false)
}
