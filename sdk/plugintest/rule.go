package plugintest

import (
	"fmt"
	"strings"
)

// Rule is one sentence of the contract.
type Rule struct {
	Name string // such as closed-once
	Text string // the sentence
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
	fmt.Fprintf(&b, "rule %s is broken: %s\n  seen: %s", f.Rule.Name, f.Rule.Text, f.Saw)
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
	RuleDescribes     = Rule{"describes-itself", "Info is constant, names a transport and the API version it was written against; Configure returns faults with JSON pointers and has no side effects."}
	RuleEndpoints     = Rule{"endpoints", "Open binds the listeners and returns their URLs with real ports."}
	RuleListen        = Rule{"listen", "Nothing is accepted before CommandListen or after CommandStopListening; connections that are there live on."}
	RuleStrangers     = Rule{"strangers", "Listen bounds connections that do not say who they are: ConnectTimeout ends them, beyond MaxUnauthenticated new ones are closed at once; without Connect they emit nothing."}
	RuleConnectOnce   = Rule{"connect-once", "A connection emits Connect exactly once, before all else, under an id that is not 0 and was never used before."}
	RuleConnectWhole  = Rule{"connect-whole", "Connect carries what the device said of itself, and meta about the connection, at most 32 entries."}
	RuleUnread        = Rule{"unread-before-attached", "Between Connect and Attached nothing is read from the connection; what the device sent meanwhile comes after Attached, in order."}
	RuleAttached      = Rule{"attached-on-owner", "After Accept, Attached comes exactly once, on the loop that Accept.Owner names; never without Accept."}
	RuleOwnLoop       = Rule{"own-loop", "The events of a connection are emitted on the loop that serves it: that of its Connect until Attached, the owner's from then on."}
	RuleGoroutine     = Rule{"loop-goroutine", "Methods of Host and Poller that take or belong to a loop are called by that loop's goroutine only, inside its turn; others use Post and Do."}
	RuleWatch         = Rule{"watch", "A descriptor is watched by one loop at a time, and forgotten before it is closed or moved."}
	RuleEventMemory   = Rule{"event-memory", "What events refer to does not change while Emit runs."}
	RuleBatchMemory   = Rule{"batch-memory", "Batches and commands are valid during the call; what is needed later is copied."}
	RuleOrder         = Rule{"order", "What is delivered to a connection and said to it by commands reaches the device in that order, across batches and turns."}
	RuleNothingLost   = Rule{"nothing-lost", "What was delivered to a connection that lives reaches its device, exactly once."}
	RuleWhole         = Rule{"message-whole", "A message reaches the device as it was delivered: payload, seq, id, name."}
	RuleFlush         = Rule{"flush", "Deliver and Command only append; Flush writes all that the turn appended, and needs no further call."}
	RuleAcked         = Rule{"acks-what-was-acked", "An Ack covers only what the device acked, of what it was sent; all that it acked is reported."}
	RuleUplink        = Rule{"uplinks", "What a device sends is emitted whole, once and in order."}
	RuleResults       = Rule{"results-reach", "Results of uplinks, joins and refreshes reach the device, with their code and text."}
	RuleDeviceSaid    = Rule{"device-said", "A nack, join, leave or refresh of the device is emitted with what the device said."}
	RulePause         = Rule{"pause", "After Pause nothing is read from the connection; after Resume it goes on where it was, without loss."}
	RuleCredit        = Rule{"credit", "With Credit 0 a transport stops reading; when there is credit again it goes on, without being told."}
	RuleCongested     = Rule{"congested-writable", "Congested is emitted once when the socket does not take all, Writable once when all is written; then it may begin anew."}
	RuleReject        = Rule{"reject", "Reject says its code and text to the device, closes the connection, and ends with Closed."}
	RuleCloseBehind   = Rule{"close-behind-queue", "Close writes what is queued first, then says its code and text, then closes."}
	RuleClosedOnce    = Rule{"closed-once", "Closed is emitted exactly once for each connection that emitted Connect, however it ends, and nothing after it."}
	RuleClosedIgnored = Rule{"closed-ignored", "Deliveries and commands for connections that have ended are ignored, and harm no other."}
	RuleHeartbeat     = Rule{"heartbeat", "A device from which nothing is heard for 1.5 heartbeats is closed; not one that sends, and not while reading from it is stopped."}
	RuleClose         = Rule{"close", "Plugin.Close ends listeners and connections before its deadline, emits Closed for each, and leaves no goroutine and no descriptor behind."}
	RuleDriver        = Rule{"driver", "The driver supports all that the suite does not declare as lacking."}
)
