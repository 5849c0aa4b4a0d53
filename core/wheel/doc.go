// Package wheel keeps the timers of one loop: retries, heartbeats, resume
// windows, expiries. Its main type is Wheel.
//
// In a message's walk it stands behind core/ack and core/session: the shard
// arms one timer per session for the earliest retry, the loop sleeps in its
// poller until Next, and the tick step of a loop turn calls Advance and hands
// what is due back to the shard.
//
// A Wheel is state: it has no goroutine, lock or clock. It is used by one
// goroutine, and every instant is a monotonic time since process start that
// the caller passes in.
package wheel
