package plugintest

// The rules of MQ plugins.
var (
	RuleMQDescribes = Rule{"describes-itself", "Info is constant, names an MQ plugin and the API version it was written against; Configure returns faults with JSON pointers and has no side effects.",
		"The runtime asks before it opens anything, to check a whole configuration and to tell every fault with its place."}
	RuleMQOpen = Rule{"opens", "Open does not wait for a broker that is away; it fails only for what will not mend itself.",
		"A node starts while its broker is away, and pushes what it has."}
	RuleAssigned = Rule{"assigned-first", "Assigned begins an epoch of a source before its first Batch; one epoch of a source at a time, and epochs grow.",
		"Settlements are told by epoch: records without one could never be settled."}
	RuleRevoked = Rule{"revoked-ends", "Revoked ends the epoch that was assigned, and no batch of it comes after.",
		"Another node may have the source by then: what comes late would be delivered twice or settled into the wrong place."}
	RuleMQOrder = Rule{"source-order", "Records of a source come in its order, under positions that grow within an epoch; its batches do not overlap.",
		"The order of one source is what users are promised."}
	RuleMQWhole = Rule{"record-whole", "A record comes as it was produced.",
		"Payloads are opaque; what is changed is lost."}
	RuleNoneLost = Rule{"none-lost", "Every record comes, and comes again until it is settled: after a lost connection, a rebalance, a restart.",
		"A record that is not settled exists nowhere else: the broker is its write-ahead log."}
	RuleSettleTold = Rule{"settles-when-told", "The broker holds a record as done only when Settle said Done of it, and soon after it did.",
		"A record that is done too early is lost in a crash; one that is never done comes again after each restart."}
	RuleSettleMemory = Rule{"settlement-memory", "Settlements and their positions are valid during Settle; what is needed later is copied.",
		"The memory is used for the next call: other records would be settled."}
	RuleNoHole = Rule{"never-past-a-hole", "Settlements may come in any order; the broker's position never passes a record that is not settled.",
		"Messages end in any order; a position that passes an open one loses it in a crash."}
	RuleEpoch = Rule{"settles-its-epoch", "A settlement of an epoch that was revoked has no effect.",
		"The position names another record by then, or another node has the source."}
	RuleRequeue = Rule{"requeue", "A record settled with Requeue comes again.",
		"The runtime has not kept it."}
	RulePublished = Rule{"published-once", "Each record given to Publish is answered by exactly one Published; answered without an error, the broker has it.",
		"A device's send, a receipt or a dead letter is answered for by it; a second answer would be taken for another's."}
	RuleMQPause = Rule{"pause", "Pause stops a source soon, Resume starts it again without loss.",
		"A source is paused because too much of it is open; what goes on coming has no room."}
	RuleNotBehind = Rule{"nothing-behind-batch", "A Batch that waits for room holds up neither Revoked nor Published nor Close.",
		"A batch may wait for minutes; a rebalance that waits behind it takes the source away by force."}
	RuleMQClose = Rule{"close", "Plugin.Close keeps what was settled, returns before its deadline, calls the host no more, and leaves no goroutine behind.",
		"What is settled and not said to the broker comes again after each restart; what is left behind acts for a plugin that is gone."}
	RuleLetters = Rule{"letters", "A look at dead letters returns all that are there, in order, and leaves them there; what is taken is not returned again; what is written to a source of the input comes from it.",
		"Dead letters are looked at by people, who must not lose them by looking."}
	RuleBrokerDriver = Rule{"broker", "The broker of the suite does what its interface says, but for what the suite declares as lacking.",
		"What cannot be tried is not known to work: it has to be listed as skipped."}
)
