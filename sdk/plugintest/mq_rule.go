package plugintest

// The rules of MQ plugins.
var (
	RuleMQDescribes  = Rule{"describes-itself", "Info is constant, names an MQ plugin and the API version it was written against; Configure returns faults with JSON pointers and has no side effects."}
	RuleMQOpen       = Rule{"opens", "Open does not wait for a broker that is away; it fails only for what will not mend itself."}
	RuleAssigned     = Rule{"assigned-first", "Assigned begins an epoch of a source before its first Batch; one epoch of a source at a time, and epochs grow."}
	RuleRevoked      = Rule{"revoked-ends", "Revoked ends the epoch that was assigned, and no batch of it comes after."}
	RuleMQOrder      = Rule{"source-order", "Records of a source come in its order, under positions that grow within an epoch; its batches do not overlap."}
	RuleMQWhole      = Rule{"record-whole", "A record comes as it was produced."}
	RuleNoneLost     = Rule{"none-lost", "Every record comes, and comes again until it is settled: after a lost connection, a rebalance, a restart."}
	RuleSettleTold   = Rule{"settles-when-told", "The broker holds a record as done only when Settle said Done of it, and soon after it did."}
	RuleSettleMemory = Rule{"settlement-memory", "Settlements and their positions are valid during Settle; what is needed later is copied."}
	RuleNoHole       = Rule{"never-past-a-hole", "Settlements may come in any order; the broker's position never passes a record that is not settled."}
	RuleEpoch        = Rule{"settles-its-epoch", "A settlement of an epoch that was revoked has no effect."}
	RuleRequeue      = Rule{"requeue", "A record settled with Requeue comes again."}
	RulePublished    = Rule{"published-once", "Each record given to Publish is answered by exactly one Published; answered without an error, the broker has it."}
	RuleMQPause      = Rule{"pause", "Pause stops a source soon, Resume starts it again without loss."}
	RuleNotBehind    = Rule{"nothing-behind-batch", "A Batch that waits for room holds up neither Revoked nor Published nor Close."}
	RuleMQClose      = Rule{"close", "Plugin.Close keeps what was settled, returns before its deadline, calls the host no more, and leaves no goroutine behind."}
	RuleLetters      = Rule{"letters", "A look at dead letters returns all that are there, in order, and leaves them there; what is taken is not returned again; what is written to a source of the input comes from it."}
	RuleBrokerDriver = Rule{"broker", "The broker of the suite does what its interface says, but for what the suite declares as lacking."}
)
