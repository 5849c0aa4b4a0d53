package envelope

import (
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// Input is what a shard is given through its loop's mailbox. Kinds: Deliver,
// Control, GroupConfirmed, StoreNow here; the shard package has the others.
type Input interface{ ShardInput() }

// Deliver hands a message to one shard.
type Deliver struct {
	Message *Message
	// To lists the indices into Message.To that concern this shard, ascending:
	// user and device addresses it owns, groups with members here, all.
	To []uint16
}

// ControlOp is an operation of the backend.
type ControlOp uint8

// The operations of push-op.
const (
	OpJoin     ControlOp = iota + 1 // Users become members of Group
	OpLeave                         // Users are members no more; their joined sessions leave
	OpDissolve                      // nobody is in Group any more
	OpKick                          // Users' (or devices') sessions are closed; with Group: leave it only
	OpWithdraw                      // the message (Scope, ID) ends for all that have not acked it
)

// Control is one operation, for the part of its addresses that the shard owns.
// The shard answers with Reported{Kind: ReportSafe} when its effect is stored
// (memory store: applied).
type Control struct {
	Op     ControlOp
	Group  string
	To     []wire.Address // users and devices owned by this shard
	Scope  string         // withdraw: instance and
	ID     string         // id of the target
	Record RecordID

	Reached Reached // join: of a group with a history
}

// Reached is how far a group's history goes: what is newer comes by Deliver to all
// shards that are routed the group. The zero value is that of a group without one.
type Reached struct {
	Position uint64
	At       time.Time // when that message was accepted; zero: in an earlier run, or there is none so far
}

// GroupConfirmed tells a shard that the dispatcher now routes the group to it.
type GroupConfirmed struct {
	Group string
	Joins uint64 // the ReportGroupJoin it answers

	Reached Reached
}

// StoreNow asks the shard to store at once what records up to Record still wait
// for, because a bound on open records is half full.
type StoreNow struct{ UpTo RecordID }

// ShardInput marks inputs.
func (*Deliver) ShardInput()        {}
func (*Control) ShardInput()        {} // see Deliver
func (*GroupConfirmed) ShardInput() {} // see Deliver
func (*StoreNow) ShardInput()       {} // see Deliver
