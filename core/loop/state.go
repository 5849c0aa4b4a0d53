package loop

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// State is what a loop moves: a shard. All methods are called on the loop's
// goroutine, none from inside another.
type State interface {
	// Begin starts a turn.
	Begin(now shard.Now)
	// Handle takes one input of the mailbox.
	Handle(in envelope.Input)
	// Events takes what a transport instance emitted; e is valid during the call.
	Events(plugin int, e []sdk.Event)
	// Tick lets timers run out.
	Tick()
	// NextDue is the instant of the next timer, and whether there is one.
	NextDue() (time.Duration, bool)
	// Serve moves at most budget items from outboxes into the effects' batches
	// and says whether more could be served now.
	Serve(budget int) (more bool)
	// Flushed says that the transports have written what Serve gave.
	Flushed()
	// Rejoin, Block, Written and Rename are what a transport in a process of its own
	// has its port say; see shard.Shard.
	Rejoin(plugin int, conns []shard.Rejoined)
	Block(plugin int, blocked bool)
	Written(plugin int, batches uint64)
	Rename(plugin int, names []shard.Renamed)
	// Leaving tells of an instance's connections, for who takes over.
	Leaving(plugin int) []shard.Leaving
	// Effects is what the calls above have for the world, until Reset.
	Effects() *shard.Effects
	Reset()
}

// Outlet takes the effects that leave the loops for other goroutines. It is called
// on the loops, at the same time on several, and must not block; slices are valid
// during the call, what they refer to is the outlet's.
type Outlet interface {
	Reports(r []envelope.Report)
	Store(ops []store.Op)
	Auth(r []shard.AuthRequest)
	Publish(p []shard.Publish)
	Answers(a []shard.Answer)
	Fates(f []shard.Fate)

	// Room tells that a loop's mailbox, after it refused a Post, has room again.
	// Who posts may find it full once more.
	Room(loop int)
}
