// Package loop is the motion of the node: one goroutine for each core, locked to
// its thread, that waits for descriptors, mailbox and timers, hands what came to
// its shard and lets the transports do what the shard wants done. It is the
// fourth stop of a message's walk, between the dispatcher (core/dispatch), which
// posts into mailboxes, and the shard (core/shard), which is only state. Its main
// type is Loop; a Set is the loops of one node.
//
// One turn is one list, Loop.turn. A loop never blocks but in that list's first
// line, and there only when nothing is left to do. A turn is kept short: it serves
// one chunk of the outboxes, so that during a sweep over a large room descriptors,
// mailbox and timers have their turn between chunks; order was made before, when
// messages entered the outboxes.
//
// # Bounds
//
// What can wait in a loop, and what happens when it is full:
//
//	mailbox          Config.Mailbox inputs; Post says false, Outlet.Room tells when to go on
//	posted events    Config.PostedBytes of payload for each plugin; PostEvents says false
//	answers          what the loop asked for; always taken
//	outboxes         Config.Backlog pairs, Burst messages and BurstBytes not yet served; the mailbox is left alone until they are fewer
//	from other loops two messages for each login under way; always taken
//	tasks            what transports put there, see sdk.Poller
package loop
