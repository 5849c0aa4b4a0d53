package sim

import (
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
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
	case SafeBeforeDurable:
		for i := range e.Store {
			if op := &e.Store[i]; op.Kind == store.Put {
				n.answer(loop, []store.Answer{{Kind: op.Kind, Token: op.Token, User: op.User}})
				op.Token = 0
			}
		}
	}
}
