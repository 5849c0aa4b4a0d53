package plugintest

// directTime says why trials of time are not made in other placements.
const directTime = "time is virtual only where the plugin runs on the kit's own loops"

// transportTrials are all there are, in the order in which they are made: the
// simple things first.
var transportTrials = []transportTrial{
	{name: "describes itself", deaf: true, run: (*trial).describes},
	{name: "listens when told", deaf: true, run: (*trial).listens},
	{name: "strangers", deaf: true, needs: []Ability{Silence}, run: (*trial).strangers},
	{name: "connect", run: (*trial).connects},
	{name: "attach to each loop", run: (*trial).attaches},
	{name: "unread before attached", needs: []Ability{Sends, EarlySends}, run: (*trial).unread},
	{name: "order", run: (*trial).orders},
	{name: "fan-out", run: (*trial).fansOut},
	{name: "large messages", run: (*trial).large},
	{name: "flush", direct: "on a link what a turn appended crosses with its Flush", run: (*trial).flushes},
	{name: "acks", needs: []Ability{Acks}, run: (*trial).acks},
	{name: "ack ranges", needs: []Ability{Acks, AckRanges}, run: (*trial).ackRanges},
	{name: "nacks", needs: []Ability{Nacks}, run: (*trial).nacks},
	{name: "uplinks", needs: []Ability{Sends}, run: (*trial).uplinks},
	{name: "refused uplinks", needs: []Ability{Sends, Results}, run: (*trial).refuses},
	{name: "joins", needs: []Ability{Joins}, run: (*trial).joins},
	{name: "refreshes", needs: []Ability{Refreshes}, run: (*trial).refreshes},
	{name: "pause", needs: []Ability{Sends}, run: (*trial).pauses},
	{name: "credit", needs: []Ability{Sends, HostCredit}, run: (*trial).credits},
	{name: "congestion", needs: []Ability{Stalls}, run: (*trial).congestion},
	{name: "heartbeat", needs: []Ability{Heartbeats, HostTime}, direct: directTime, run: (*trial).heartbeats},
	{name: "reject", run: (*trial).rejects},
	{name: "close behind the queue", run: (*trial).closesBehind},
	{name: "close behind a jam", needs: []Ability{Stalls}, run: (*trial).closesBehindJam},
	{name: "ends", leaks: true, run: (*trial).ends},
	{name: "closed is ignored", run: (*trial).ignoresClosed},
	{name: "churn", leaks: true, run: (*trial).churn},
	{name: "close", leaks: true, run: (*trial).closes},
}
