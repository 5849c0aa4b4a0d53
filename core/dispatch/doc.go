// Package dispatch takes messages from admission to the loops. It is the third stop
// of a message's walk, and the only crossing between goroutines on the way down.
//
// State is state: admission (core/admit), the table of where groups have members,
// and what waits to be posted; it has no goroutine, lock or clock, so that the
// simulation runs it as it is. Dispatcher is its motion: one goroutine, beside the
// loops, so that a full mailbox slows the consumers and not the loops.
//
// Queues and their bounds: batches that wait to be taken (Config.BatchesMax; their
// callers wait), inputs that a full mailbox refused (Config.OutboundMax for each
// loop; nothing further is taken then), reports of the shards (by what is open).
package dispatch
