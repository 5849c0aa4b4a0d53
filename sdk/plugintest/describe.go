package plugintest

import (
	"fmt"
	"strings"

	"github.com/pushcore/pushcore/sdk"
)

var eventNames = map[sdk.EventKind]string{
	sdk.EventConnect: "Connect", sdk.EventAttached: "Attached", sdk.EventRefresh: "Refresh", sdk.EventUplink: "Uplink",
	sdk.EventAck: "Ack", sdk.EventNack: "Nack", sdk.EventJoin: "Join", sdk.EventLeave: "Leave",
	sdk.EventCongested: "Congested", sdk.EventWritable: "Writable", sdk.EventClosed: "Closed",
}

var commandNames = map[sdk.CommandKind]string{
	sdk.CommandAccept: "Accept", sdk.CommandReject: "Reject", sdk.CommandUplinkResult: "UplinkResult",
	sdk.CommandJoinResult: "JoinResult", sdk.CommandRefreshResult: "RefreshResult", sdk.CommandPause: "Pause",
	sdk.CommandResume: "Resume", sdk.CommandMove: "Move", sdk.CommandClose: "Close", sdk.CommandKeep: "Keep",
	sdk.CommandListen: "Listen", sdk.CommandStopListening: "StopListening",
}

var reportNames = map[ReportKind]string{
	Opened: "opened", Rejected: "rejected", Pushed: "message", Sent: "sent", Joined: "joined", Refreshed: "refreshed",
	Moved: "moved", Closed: "closed",
}

func eventName(k sdk.EventKind) string {
	if name := eventNames[k]; name != "" {
		return name
	}
	return fmt.Sprintf("an event of unknown kind %d", k)
}

func describeEvent(e *sdk.Event) string {
	d := description{}
	d.say("%s of connection %#x", eventName(e.Kind), uint64(e.Conn))
	switch e.Kind {
	case sdk.EventConnect:
		if e.Connect != nil {
			d.say("user %q device %q", e.Connect.User, e.Connect.Device)
		}
	case sdk.EventAck:
		d.say("up to %d", e.Seq)
		for _, r := range e.Ranges {
			d.say("and %d-%d", r.First, r.Last)
		}
	case sdk.EventNack:
		d.say("of %d, final %t, retry after %s, %q", e.Seq, e.Final, e.RetryAfter, e.Text)
	case sdk.EventUplink:
		d.say("id %q name %q, %d bytes", e.ID, e.Name, len(e.Payload))
	case sdk.EventJoin, sdk.EventLeave:
		d.say("group %q position %d", e.Group, e.Position)
	case sdk.EventCongested:
		d.say("with %d bytes queued", e.Queued)
	case sdk.EventClosed:
		d.say("code %d %q", e.Code, e.Text)
	}
	return d.String()
}

func describeCommand(c *sdk.Command) string {
	d := description{}
	d.say("%s", commandNames[c.Kind])
	if c.Accept != nil {
		d.say("owner %d", c.Accept.Owner)
	}
	for _, field := range [][2]string{{"id", c.ID}, {"group", c.Group}, {"text", c.Text}} {
		if field[1] != "" {
			d.say("%s %q", field[0], field[1])
		}
	}
	if c.Code != 0 {
		d.say("code %d", c.Code)
	}
	return d.String()
}

func describeReport(r *Report) string {
	d := description{}
	d.say("device: %s", reportNames[r.Kind])
	switch r.Kind {
	case Pushed:
		d.say("seq %d id %q, %d bytes %s", r.Seq, r.ID, len(r.Payload), clip(r.Payload))
	case Sent:
		d.say("id %q code %d", r.ID, r.Code)
	case Joined:
		d.say("group %q code %d", r.Group, r.Code)
	case Rejected, Closed, Refreshed:
		d.say("code %d %q", r.Code, r.Text)
	}
	return d.String()
}

// description gathers words.
type description struct{ words []string }

func (d *description) say(format string, args ...any) {
	d.words = append(d.words, fmt.Sprintf(format, args...))
}

func (d *description) String() string { return strings.Join(d.words, " ") }

// clip is the beginning of a payload, to be read by people.
func clip(b []byte) string {
	const most = 24
	if len(b) > most {
		return fmt.Sprintf("%q…", b[:most])
	}
	return fmt.Sprintf("%q", b)
}
