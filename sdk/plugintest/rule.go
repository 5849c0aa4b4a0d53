package plugintest

import (
	"fmt"
	"strings"
)

// Rule is one sentence of the contract.
type Rule struct {
	Name string // such as closed-once
	Text string // the sentence
	Why  string // what goes wrong without it
}

// Failure is a breach of a rule.
type Failure struct {
	Rule  Rule
	Saw   string   // what was seen
	Trace []string // calls and events of the connection or source, oldest first
}

// String explains the failure in several lines.
func (f Failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule %s is broken: %s\n  why: %s\n  seen: %s", f.Rule.Name, f.Rule.Text, f.Rule.Why, f.Saw)
	if len(f.Trace) > 0 {
		b.WriteString("\n  what happened (← from the plugin, → to the plugin, · at the device or broker):")
		for _, line := range f.Trace {
			b.WriteString("\n    " + line)
		}
	}
	return b.String()
}

// The rules of transports.
var (
	RuleDescribes = Rule{"describes-itself", "Info is constant, names a transport and the API version it was written against; Configure returns faults with JSON pointers and has no side effects.",
		"The runtime asks before it opens anything, to check a whole configuration and to tell every fault with its place."}
	RuleEndpoints = Rule{"endpoints", "Open binds the listeners and returns their URLs with real ports.",
		"With port 0 nobody could find the listener otherwise, and what is exposed could not be checked."}
	RuleListen = Rule{"listen", "Nothing is accepted before CommandListen or after CommandStopListening; connections that are there live on.",
		"A device that is let in before the node is ready waits for nothing, and one that is let in while it drains is cut off at once."}
	RuleStrangers = Rule{"strangers", "Listen bounds connections that do not say who they are: ConnectTimeout ends them, beyond MaxUnauthenticated new ones are closed at once; without Connect they emit nothing.",
		"Whoever can connect could use up the descriptors by saying nothing."}
	RuleConnectOnce = Rule{"connect-once", "A connection emits Connect exactly once, before all else, under an id that was never used before.",
		"The runtime keeps what it knows of a connection under its id; a second Connect would be answered by a second session."}
	RuleConnID = Rule{"conn-id", "The id of a connection is not 0 and below 2^48.",
		"0 names the whole instance, and the core puts a process's incarnation above the 48 bits, so that late answers never meet a successor's connections."}
	RuleConnectWhole = Rule{"connect-whole", "Connect carries what the device said of itself, and meta about the connection, at most 32 entries.",
		"Who a device is, what it resumes and what it can read is decided from Connect alone."}
	RuleUnread = Rule{"unread-before-attached", "Between Connect and Attached nothing is read from the connection; what the device sent meanwhile comes after Attached, in order.",
		"Until the session has its loop, nobody is there to take what is read, and what is taken by another loop overtakes."}
	RuleAttached = Rule{"attached-on-owner", "After Accept, Attached comes exactly once, on the loop that Accept.Owner names; never without Accept.",
		"From Attached on the owner's shard writes to the connection; on another loop two would touch it at once."}
	RuleOwnLoop = Rule{"own-loop", "The events of a connection are emitted on the loop that serves it: that of its Connect until Attached, the owner's from then on.",
		"One loop owns a session without a lock; an event on another one overtakes, or finds no session."}
	RuleGoroutine = Rule{"loop-goroutine", "Methods of Host and Poller that take or belong to a loop are called by that loop's goroutine only, inside its turn; others use Post and Do.",
		"A loop's state has no lock. What comes from another goroutine is a data race in the core."}
	RuleWatch = Rule{"watch", "A descriptor is watched by one loop at a time, and forgotten before it is closed or moved.",
		"A closed descriptor's number is given out again: its events would be taken for those of another connection."}
	RuleEventMemory = Rule{"event-memory", "What events refer to does not change while Emit runs.",
		"The runtime reads events while Emit runs and keeps no copy of its own."}
	RuleBatchMemory = Rule{"batch-memory", "Batches and commands are valid during the call; what is needed later is copied.",
		"The memory is used for the next call: a device would get parts of another's message."}
	RuleOrder = Rule{"order", "What is delivered to a connection and said to it by commands reaches the device in that order, across batches and turns.",
		"The order of one source to one device is promised to users, and is made before Deliver."}
	RuleNothingLost = Rule{"nothing-lost", "What was delivered to a connection that lives reaches its device, exactly once.",
		"What is fast is not sent again, and what is reliable would be, seconds later."}
	RuleWhole = Rule{"message-whole", "A message reaches the device as it was delivered: payload, seq, id, name.",
		"Devices ack by number and drop repeats by id."}
	RuleFlush = Rule{"flush", "Deliver and Command only append; Flush writes all that the turn appended, and needs no further call.",
		"All that a turn has for a socket leaves in one write; what is left behind would wait for the next turn, which may not come."}
	RuleAcked = Rule{"acks-what-was-acked", "An Ack covers only what the device acked, of what it was sent; all that it acked is reported.",
		"An ack ends a message for good: one that was not given is a lost message."}
	RuleUplink = Rule{"uplinks", "What a device sends is emitted whole, once and in order.",
		"What a device sends goes to the backend once, in the order in which it was sent."}
	RuleResults = Rule{"results-reach", "Results of uplinks, joins and refreshes reach the device, with their code and text.",
		"A device resends what was not answered, and gives up what was refused."}
	RuleRefused = Rule{"refused-uplinks", "An uplink that the runtime refuses is answered to the device as refused, in its place among the others, and is not emitted again.",
		"What is sent beyond the credit is refused, not held: only the device has it then, and sends it again."}
	RuleDeviceSaid = Rule{"device-said", "A nack, join, leave or refresh of the device is emitted with what the device said.",
		"The runtime acts upon what the device said, not upon what the transport makes of it."}
	RulePause = Rule{"pause", "After Pause nothing is read from the connection; after Resume it goes on where it was, without loss.",
		"While the core is away or full, what is read has no place to go."}
	RuleCredit = Rule{"credit", "With Credit 0 a transport stops reading; when there is credit again it goes on, without being told.",
		"Credit bounds what a turn takes; what is beyond it is refused, and the device has to send it again."}
	RuleCongested = Rule{"congested-writable", "Congested is emitted once when the socket does not take all, Writable once when all is written; then it may begin anew.",
		"The node stops serving a congested connection and its retry clock; without Writable it is never served again."}
	RuleReject = Rule{"reject", "Reject says its code and text to the device, closes the connection, and ends with Closed.",
		"A device that is not told why it is refused comes back at once, for ever."}
	RuleCloseBehind = Rule{"close-behind-queue", "Close writes what is queued first, then says its code and text, then closes.",
		"What was delivered before is counted as sent, and the reason tells the device whether to come back."}
	RuleClosedOnce = Rule{"closed-once", "Closed is emitted exactly once for each connection that emitted Connect, however it ends, and nothing after it.",
		"A session is detached by Closed: without it, it never ends; a second one would end its successor."}
	RuleClosedIgnored = Rule{"closed-ignored", "Deliveries and commands for connections that have ended are ignored, and harm no other.",
		"Both sides speak at once: the runtime cannot know of an ending that is still on its way to it."}
	RuleHeartbeat = Rule{"heartbeat", "A device from which nothing is heard for 1.5 heartbeats is closed; not one that sends, and not while reading from it is stopped.",
		"Networks forget connections without a word; only silence shows it."}
	RuleClose = Rule{"close", "Plugin.Close ends listeners and connections and returns before its deadline, emits Closed for each, and leaves no goroutine and no descriptor behind.",
		"A node that stops or replaces a plugin waits for it, and its successor needs the port."}
	RuleDriver = Rule{"driver", "The driver supports all that the suite does not declare as lacking.",
		"What cannot be tried is not known to work: it has to be listed as skipped."}
)
