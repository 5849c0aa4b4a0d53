// Package disk is the store engine that keeps everything in a directory: the
// product's `store.kind: disk`. It is durable: what is answered without an error is
// on the disk, synced, before the answer is handed over.
//
// The main type is Store. Operations are queued by Submit and applied by one
// goroutine (run.go) in groups: each group is one batch and one sync, and while it is
// synced the next one gathers. data (data.go) is the state, one file for each group
// of operations; it has no goroutine, lock or clock. What lies where is in key.go and
// value.go; what a full or failing disk does, in full.go and guard.go.
//
// In memory there is a little for each user who has something stored, and nothing
// for each message.
package disk
