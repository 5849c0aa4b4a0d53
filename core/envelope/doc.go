// Package envelope holds what crosses between the dispatcher and the shards: a
// message with its targets and options, control operations, and the reports that
// come back. It is plain data, second stop of a message's walk: made by admission
// (core/admit), handed by the dispatcher (core/dispatch) to the shards
// (core/shard), and read-only from acceptance on, so that all shards share it.
package envelope
