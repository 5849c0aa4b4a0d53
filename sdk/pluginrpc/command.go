package pluginrpc

import (
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Flags of commands.
const (
	commandRetryable = 1 << iota
	commandGap
)

// Fields of a command's body, in the order in which they stand.
const (
	commandWithin fieldSet = 1 << iota
	commandExpires
	commandID
	commandGroup
	commandText
	commandReconnect
	commandKeep
	commandAccept
	commandListen
	commandFieldsEnd
)

// AppendCommand appends a command, its connection's id as AppendBatch does.
func AppendCommand(b []byte, c *sdk.Command) []byte {
	start := len(b)
	flags := flag(c.Retryable, commandRetryable) | flag(c.Gap, commandGap)
	b = begin(b, commandBase+Kind(c.Kind), flags, c.Code, uint64(c.Conn&ConnMax), c.Position)
	var set fieldSet
	set.add(c.Within != 0, commandWithin)
	set.add(!c.Expires.IsZero(), commandExpires)
	set.add(c.ID != "", commandID)
	set.add(c.Group != "", commandGroup)
	set.add(c.Text != "", commandText)
	set.add(c.Reconnect != wire.Reconnect{}, commandReconnect)
	set.add(len(c.Keep) > 0, commandKeep)
	set.add(c.Accept != nil, commandAccept)
	set.add(c.Listen != nil, commandListen)
	if set != 0 {
		b = appendCommandFields(appendUint(b, uint64(set)), c, set)
	}
	return finish(b, start)
}

func appendCommandFields(b []byte, c *sdk.Command, set fieldSet) []byte {
	if set&commandWithin != 0 {
		b = appendInt(b, int64(c.Within))
	}
	if set&commandExpires != 0 {
		b = appendTime(b, c.Expires)
	}
	if set&commandID != 0 {
		b = appendString(b, c.ID)
	}
	if set&commandGroup != 0 {
		b = appendString(b, c.Group)
	}
	if set&commandText != 0 {
		b = appendString(b, c.Text)
	}
	if set&commandReconnect != 0 {
		b = appendUint(b, uint64(c.Reconnect.Rule))
		b = appendUint(b, c.Reconnect.AfterMS)
		b = appendString(b, c.Reconnect.Address)
	}
	if set&commandKeep != 0 {
		b = appendBytes(b, c.Keep)
	}
	if set&commandAccept != 0 {
		b = appendAccept(b, c.Accept)
	}
	if set&commandListen != 0 {
		b = appendListen(b, c.Listen)
	}
	return b
}

// IsCommand says whether a record is a command.
func (r *Record) IsCommand() bool {
	return r.Kind >= commandBase+Kind(sdk.CommandAccept) && r.Kind <= commandBase+Kind(sdk.CommandStopListening)
}

// Command decodes a command. Its byte slices are parts of the record's body.
func (r *Record) Command() (sdk.Command, error) {
	if !r.IsCommand() {
		return sdk.Command{}, r.malformed("not a command")
	}
	if err := r.expect(commandRetryable|commandGap, true); err != nil {
		return sdk.Command{}, err
	}
	c := sdk.Command{
		Kind:      sdk.CommandKind(r.Kind - commandBase),
		Retryable: r.Flags&commandRetryable != 0, Gap: r.Flags&commandGap != 0,
		Code: r.Code, Conn: sdk.ConnID(r.A), Position: r.B,
	}
	f := fields{body: r.Body}
	f.command(&c, f.set(commandFieldsEnd-1))
	if err := f.end(r); err != nil {
		return sdk.Command{}, err
	}
	return c, nil
}

func (f *fields) command(c *sdk.Command, set fieldSet) {
	if set&commandWithin != 0 {
		c.Within = f.duration()
	}
	if set&commandExpires != 0 {
		c.Expires = f.time()
	}
	if set&commandID != 0 {
		c.ID = f.string()
	}
	if set&commandGroup != 0 {
		c.Group = f.string()
	}
	if set&commandText != 0 {
		c.Text = f.string()
	}
	if set&commandReconnect != 0 {
		c.Reconnect = wire.Reconnect{
			Rule:    wire.ReconnectRule(f.enum(uint8(wire.ReconnectElsewhere))),
			AfterMS: f.uint(), Address: f.string(),
		}
	}
	if set&commandKeep != 0 {
		c.Keep = f.bytes()
	}
	if set&commandAccept != 0 {
		c.Accept = f.accept()
	}
	if set&commandListen != 0 {
		c.Listen = f.listen()
	}
}

func appendAccept(b []byte, a *sdk.Accept) []byte {
	b = appendInt(b, int64(a.Owner))
	b = appendBytes(b, a.Token)
	b = appendUint(b, uint64(flag(a.Resumed, 1)))
	b = appendUint(b, a.Epoch)
	b = appendInt(b, int64(a.Heartbeat))
	b = appendTime(b, a.Expires)
	b = appendString(b, a.Codec)
	b = appendInt(b, int64(a.MaxUplink))
	b = appendInt(b, int64(a.Window))
	b = appendInt(b, int64(a.RememberIDs))
	b = appendString(b, a.User)
	b = appendString(b, a.Device)
	return appendBytes(b, a.Keep)
}

func (f *fields) accept() *sdk.Accept {
	return &sdk.Accept{
		Owner: sdk.Loop(f.int()), Token: f.bytes(), Resumed: f.bool(), Epoch: f.uint(),
		Heartbeat: f.duration(), Expires: f.time(), Codec: f.string(),
		MaxUplink: f.int(), Window: f.int(), RememberIDs: f.int(),
		User: f.string(), Device: f.string(), Keep: f.bytes(),
	}
}

func appendListen(b []byte, l *sdk.Listen) []byte {
	b = appendInt(b, int64(l.AcceptRate))
	b = appendInt(b, int64(l.MaxUnauthenticated))
	b = appendInt(b, int64(l.ConnectTimeout))
	b = appendInt(b, int64(l.MaxFrame))
	if l.LoopbackOnly {
		return append(b, 1)
	}
	return append(b, 0)
}

func (f *fields) listen() *sdk.Listen {
	return &sdk.Listen{
		AcceptRate: f.int(), MaxUnauthenticated: f.int(),
		ConnectTimeout: f.duration(), MaxFrame: f.int(),
		LoopbackOnly: f.bool(),
	}
}
