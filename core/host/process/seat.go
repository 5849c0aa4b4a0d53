package process

import (
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
	number uint16          // the incarnation of the link's process
	tabled func()          // called when the table of a process that was there before has come; or nil
	broken func(error)     // of the link; it must not block
}

var _ pluginrpc.Owner = (*seat)(nil)

// Credit implements pluginrpc.Owner, as the following do.
func (s *seat) Credit() int { return s.port.Credit() }

func (s *seat) Emit(e []sdk.Event) { s.port.Emit(e) }

func (s *seat) Poller() sdk.Poller { return s.port.Poller() }

func (s *seat) Block(blocked bool) { s.port.Block(blocked) }

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

func (s *seat) Broken(err error) {
	s.down()
	s.broken(err)
}

// down tells the shard that the process and all its connections are gone.
func (s *seat) down() {
	if s.link != nil {
		s.link.Close()
		s.link = nil
		s.port.Down(s.number)
	}
}

func (s *seat) Frozen() {}

func (s *seat) Adopted([]pluginrpc.Renamed) {}
