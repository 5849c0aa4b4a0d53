// Package ack keeps what a session has sent and its device has not acked yet.
// Its main type is Window.
//
// In a message's walk it stands between the outbox and the frame: the shard
// takes a reliable message from the outbox, Push gives it its seq, and it is
// written. The device's ack comes back to Ack, and what that returns is settled.
// Between the two, Due says what to send again, when to close a connection that
// answers nothing, and when to give a message up.
//
// The rules are those of the delivery contract:
//
//   - An attempt counts when its delay ran out while the retry clock ran. The
//     clock stands still while the session is congested, detached or not read.
//   - A resend that a reconnect causes counts at most once a minute for each
//     message, and then its delay does not count again.
//   - After the last delay of the list a message is sent once more, and if that
//     delay too runs out the connection is to be closed; the message stays.
//   - A message that has used its attempts, over all sessions, is dead.
//
// A Window is state: it has no goroutine, lock or clock, it is used by the
// goroutine of one loop, and every instant is a monotonic time since process
// start that the caller passes in.
package ack
