package sim

import (
	"slices"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// Bug is a mistake that is made on purpose, where a shard's effects leave it: the
// simulation must notice.
type Bug uint8

// The bugs.
const (
	NoBug             Bug = iota
	SettleOnReceipt       // a record counts as safe when it has been accepted
	JoinBeforeRoute       // a device hears that it joined before the dispatcher routes
	SafeBeforeDurable     // a Put counts as done when it has been asked for
	ToldTooEarly          // a receipt counts as taken when it has been asked for, and a crash comes
	KeptBeforeDurable     // so does what is kept of a group's history
	HoleInHistory         // a message of a history is passed over when it is read
	RejoinFromOne         // numbers of a session that rejoins begin anew
	RejoinBeforeLoad      // sessions rejoin before it is known what the store has for them
)

// spoil makes the mistake.
func (b Bug) spoil(n *node, loop int, e *shard.Effects) {
	switch b {
	case SettleOnReceipt:
		for _, r := range e.Reports {
			if r.Kind == envelope.ReportOwed {
				e.Reports = append(e.Reports, envelope.Report{Kind: envelope.ReportSafe, Loop: loop, Record: r.Record})
			}
		}
	case JoinBeforeRoute:
		for _, r := range e.Reports {
			if r.Kind == envelope.ReportGroupJoin {
				n.shards[loop].Handle(&envelope.GroupConfirmed{Group: r.Group, Joins: r.Joins})
			}
		}
	case ToldTooEarly:
		for i := range e.Publish {
			if p := &e.Publish[i]; p.Output == sdk.OutputReceipt && n.world.runs == 0 {
				n.loops[loop].loose = append(n.loops[loop].loose, &shard.Published{Results: []shard.PublishResult{{Token: p.Token}}})
				p.Token = 0
			}
		}
	case SafeBeforeDurable:
		for i := range e.Store {
			if op := &e.Store[i]; op.Kind == store.Put {
				n.answer(loop, []store.Answer{{Kind: op.Kind, Token: op.Token, User: op.User}})
				op.Token = 0
			}
		}
	}
}

// spoilDispatcher makes a mistake with what the dispatcher asks of the store.
func (b Bug) spoilDispatcher(n *node, ops []store.Op) {
	if b != KeptBeforeDurable {
		return
	}
	for i := range ops {
		n.answer(store.Dispatcher, []store.Answer{{Kind: ops[i].Kind, Token: ops[i].Token}})
		ops[i].Token = 0
	}
}

// spoilAnswers makes a mistake with what the store answers a loop.
func (b Bug) spoilAnswers(some []store.Answer) {
	for i := range some {
		if a := &some[i]; b == HoleInHistory && a.Kind == store.Replay && len(a.Entries) > 2 {
			a.Entries = slices.Delete(a.Entries, 1, 2)
		}
	}
}
