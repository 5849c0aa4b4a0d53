// Package store keeps reliable messages, known devices, memberships and ids
// while nobody takes them. It is asked by effects and answers by events: a shard
// submits operations, an engine answers each in a later turn. Stored pairs belong
// to the store: it decides atomically what an operation removes and names it in
// the answer, and the shard makes fates of it.
//
// A stored message is one payload plus one reference for each receiver. Nothing
// is keyed by loop.
package store

import "iter"

// Store is an engine. Submit may be called from any goroutine and never blocks;
// operations of one user take effect in the order of submission, also where one
// fails: those behind it fail too (Page, Find and operations for all users aside), until
// one has Retry set. So what is stored of a receiver never has a hole, whenever the
// process ends. Answers go to the Sink given at open, in batches, those of one loop
// in order of submission.
type Store interface {
	// Durable says whether what is answered without an error survives the
	// process: whether stored counts as safe.
	Durable() bool
	// Start begins to apply and answer operations and to end what has expired. It
	// is called once; before it the engine is as it was opened.
	Start()
	Submit(ops []Op)
	// Err says why the store takes nothing at present (full, failing), or nil. It
	// is cheap: who accepts messages asks before each batch.
	Err() error

	// Census counts the stored (message, receiver) pairs.
	Census() int
	// Changes counts up before something is applied and again when its answers
	// were handed over. While it is even and stays the same, what the census counts
	// is what the shards know, but for operations that they wait for.
	Changes() uint64

	// What it held when it was opened; called before Start.
	Carried() iter.Seq[Carried]               // of each user, in no order
	CarriedOwed() iter.Seq[Pair]              // notices not told yet (see Pair.Owed), those of one user in order
	CarriedGroups() iter.Seq2[string, uint64] // position of each group with a history
	CarriedIDs() iter.Seq[Remembered]         // ids whose time is not over, oldest first
	// HighestOrder is the highest Order that anything was ever put at, so that a
	// successor of the process can go on above it.
	HighestOrder() uint64

	// Close applies and answers what was submitted.
	Close() error
}

// Dispatcher stands for the dispatcher where a loop is asked for: in Op.Loop, and
// as the Sink's loop.
const Dispatcher = -1

// Sink takes an engine's answers on their way to the loop that asked, or for
// what has expired the loop that owns the user. It must not block.
type Sink func(loop int, a []Answer)
