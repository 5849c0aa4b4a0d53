// Package shard is the state of one loop: the users that hash to it, their
// sessions, groups, outboxes, windows and timers, and the fate of every
// (message, receiver). It is the fourth stop of a message's walk. Its main type
// is Shard; io.go has what goes in and what comes out.
//
// Where to find what:
//
//	accept.go   a message comes: who its receivers are, into outboxes or the store
//	login.go    a device comes: accepting shard → authentication → owner
//	attach.go   its connection arrives, stalls, goes; sessions resume and end
//	serve.go    outboxes → batches, socket by socket; form.go: encode once
//	answer.go   acks and nacks of devices
//	end.go      a pair gets its fate; receipt.go: who is told
//	job.go      into the store; page.go: back from it, before anything newer
//	timer.go    one timer a session: resends, late storing, expiry, resume window
//	forget.go   devices that are known no more
//	groups.go   joining and leaving; control.go: operations of the backend
//	uplink.go   from devices to the broker
//	keep.go     what plugins' processes keep of sessions; kept.go: its bytes
//	rejoin.go   sessions of an earlier core go on; rename.go: in another process
//	block.go    an instance takes nothing; written.go: what it has written
//	books.go    does everything add up; query.go: what operators ask
package shard
