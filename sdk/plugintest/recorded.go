package plugintest

import (
	"github.com/pushcore/pushcore/sdk"
)

// What stands in steps for the structures of the contract.
type (
	connectOf struct {
		Credentials string     `json:"credentials"`
		Token       *payloadOf `json:"token,omitempty"`
		User        string     `json:"user,omitempty"`
		Device      string     `json:"device,omitempty"`
		Platform    string     `json:"platform,omitempty"`
		Codecs      []string   `json:"codecs,omitempty"`
		Groups      []string   `json:"groups,omitempty"`
		KeepAliveMS int64      `json:"keep_alive_ms,omitempty"`
		Window      int        `json:"window,omitempty"`
		Resume      *resumeOf  `json:"resume,omitempty"`
		Meta        []header   `json:"meta,omitempty"`
	}
	resumeOf struct {
		Token *payloadOf `json:"token,omitempty"`
		Epoch uint64     `json:"epoch"`
		Seq   uint64     `json:"seq"`
	}
	acceptOf struct {
		Owner       sdk.Loop   `json:"owner"`
		Token       *payloadOf `json:"token"`
		Resumed     bool       `json:"resumed"`
		Epoch       uint64     `json:"epoch"`
		HeartbeatMS int64      `json:"heartbeat_ms"`
		MaxUplink   int        `json:"max_uplink"`
		Window      int        `json:"window"`
		RememberIDs int        `json:"remember_ids"`
		User        string     `json:"user"`
		Device      string     `json:"device"`
	}
	listenOf struct {
		AcceptRate         int   `json:"accept_rate,omitempty"`
		MaxUnauthenticated int   `json:"max_unauthenticated,omitempty"`
		ConnectTimeoutMS   int64 `json:"connect_timeout_ms,omitempty"`
		MaxFrame           int   `json:"max_frame,omitempty"`
	}
	messageOf struct {
		Position uint64 `json:"position,omitempty"`
		ID       string `json:"id,omitempty"`
		Name     string `json:"name,omitempty"`
		Fast     bool   `json:"fast,omitempty"`
		From     string `json:"from_user,omitempty"`
		*payloadOf
	}
)

var credentialNames = map[sdk.CredentialKind]string{
	sdk.CredentialNone: "none", sdk.CredentialBearer: "bearer", sdk.CredentialBasic: "basic", sdk.CredentialCert: "cert",
	sdk.CredentialQuery: "query", sdk.CredentialCookie: "cookie", sdk.CredentialHeader: "header",
}

var outcomeNames = map[sdk.Outcome]string{sdk.Done: "done", sdk.Requeue: "requeue", sdk.Dead: "dead"}

func recordEvent(l sdk.Loop, turn int, e *sdk.Event, posted bool) step {
	f := &fieldsOf{
		Conn: uint64(e.Conn), Seq: e.Seq, Final: e.Final, Code: e.Code, Position: e.Position, Queued: e.Queued,
		RetryMS: e.RetryAfter.Milliseconds(), ID: e.ID, Name: e.Name, Group: e.Group, Text: e.Text,
	}
	for _, r := range e.Ranges {
		f.Ranges = append(f.Ranges, [2]uint64{r.First, r.Last})
	}
	for _, h := range e.Headers {
		f.Headers = append(f.Headers, header{h.Name, string(h.Value)})
	}
	switch e.Kind {
	case sdk.EventAck:
		f.By = map[sdk.AckBy]string{sdk.AckByDevice: "device", sdk.AckByWrite: "write"}[e.By]
	case sdk.EventUplink:
		f.payloadOf = recordPayload(e.Payload)
	case sdk.EventConnect:
		f.Connect = recordConnect(e.Connect)
	}
	return step{Loop: &l, Turn: turn, Posted: posted, Event: eventName(e.Kind), fieldsOf: f}
}

func recordConnect(c *sdk.Connect) *connectOf {
	if c == nil {
		return nil
	}
	r := &connectOf{
		Credentials: credentialNames[c.Credentials.Kind], User: c.User, Device: c.Device, Platform: c.Platform, Codecs: c.Codecs,
		Groups: c.Groups, KeepAliveMS: c.KeepAlive.Milliseconds(), Window: c.Window,
	}
	if c.Credentials.Token != "" {
		r.Token = recordPayload([]byte(c.Credentials.Token))
	}
	if c.Resume != nil {
		r.Resume = &resumeOf{recordPayload(c.Resume.Token), c.Resume.Epoch, c.Resume.Seq}
	}
	for _, m := range c.Meta {
		r.Meta = append(r.Meta, header(m))
	}
	return r
}

func recordCommand(l sdk.Loop, turn int, c *sdk.Command) step {
	f := &fieldsOf{
		Conn: uint64(c.Conn), Retryable: c.Retryable, Gap: c.Gap, Code: c.Code, Position: c.Position,
		WithinMS: c.Within.Milliseconds(), ID: c.ID, Group: c.Group, Text: c.Text,
	}
	if a := c.Accept; a != nil {
		f.Accept = &acceptOf{
			Owner: a.Owner, Token: recordPayload(a.Token), Resumed: a.Resumed, Epoch: a.Epoch, HeartbeatMS: a.Heartbeat.Milliseconds(),
			MaxUplink: a.MaxUplink, Window: a.Window, RememberIDs: a.RememberIDs, User: a.User, Device: a.Device,
		}
	}
	if n := c.Listen; n != nil {
		f.Listen = &listenOf{n.AcceptRate, n.MaxUnauthenticated, n.ConnectTimeout.Milliseconds(), n.MaxFrame}
	}
	return step{Loop: &l, Turn: turn, Command: commandNames[c.Kind], fieldsOf: f}
}

func recordBatch(l sdk.Loop, turn int, b *sdk.Batch) step {
	f := &fieldsOf{}
	for i := range b.Messages {
		m := &b.Messages[i]
		f.Messages = append(f.Messages, messageOf{ID: m.ID, Name: m.Name, Fast: m.Class == sdk.Fast, From: m.FromUser, payloadOf: recordPayload(m.Payload)})
	}
	for _, i := range b.Items {
		f.Items = append(f.Items, [3]uint64{uint64(i.Conn), i.Seq, uint64(i.Message)})
	}
	return step{Loop: &l, Turn: turn, Call: "Deliver", fieldsOf: f}
}

func recordReport(label string, conn *conn, r *Report) step {
	f := &fieldsOf{
		Device: label, Seq: r.Seq, Resumed: r.Resumed, Retryable: r.Retryable, Gap: r.Gap, Code: r.Code, Epoch: r.Epoch,
		Position: r.Position, ID: r.ID, Name: r.Name, Group: r.Group, Text: r.Text,
	}
	if conn != nil {
		f.Conn = uint64(conn.id)
	}
	if r.Kind == Pushed {
		f.payloadOf = recordPayload(r.Payload)
	}
	return step{Report: reportNames[r.Kind], fieldsOf: f}
}

func recordRecords(b *sdk.Records) step {
	f := &fieldsOf{Source: b.Source, Epoch: b.Epoch}
	for i := range b.Records {
		r := &b.Records[i]
		f.Records = append(f.Records, messageOf{Position: r.Position, ID: r.MessageID, payloadOf: recordPayload(r.Body)})
	}
	return step{Event: "Batch", fieldsOf: f}
}

func recordOutgoing(o *sdk.Outgoing) step {
	return step{Call: "Publish", fieldsOf: &fieldsOf{Seq: o.ID, Name: string(o.Output), payloadOf: recordPayload(o.Body)}}
}

// recordFailure says in its place that a rule was broken.
func recordFailure(f *Failure) step {
	return step{Broken: f.Rule.Name, fieldsOf: &fieldsOf{Saw: f.Saw}}
}
