// Package memory is the store engine that keeps everything in memory: the product's
// `store.kind: memory`, which is not durable, and the engine of the simulation,
// which may say that it is and then survives the crashes it is told of.
//
// The main type is Store. It asks no one: operations are queued by Submit and
// applied by one goroutine, or, where Config.Manual is set, by Step. data (data.go)
// is the state, one file for each group of operations; it has no goroutine, lock or
// clock.
package memory
