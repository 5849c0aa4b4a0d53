package pluginrpc

import "github.com/pushcore/pushcore/sdk"

// Flags of events.
const (
	eventFinal = 1 << iota
	eventByWrite
)

// Fields of an event's body, in the order in which they stand.
const (
	eventPosition fieldSet = 1 << iota
	eventQueued
	eventRetryAfter
	eventRanges
	eventPayload
	eventID
	eventName
	eventGroup
	eventText
	eventConnect
	eventCredentials
	eventHeaders
	eventFieldsEnd
)

// AppendEvent appends an event.
func AppendEvent(b []byte, e *sdk.Event) []byte {
	start := len(b)
	flags := flag(e.Final, eventFinal) | flag(e.By == sdk.AckByWrite, eventByWrite)
	b = begin(b, Kind(e.Kind), flags, e.Code, uint64(e.Conn), e.Seq)
	var set fieldSet
	set.add(e.Position != 0, eventPosition)
	set.add(e.Queued != 0, eventQueued)
	set.add(e.RetryAfter != 0, eventRetryAfter)
	set.add(len(e.Ranges) > 0, eventRanges)
	set.add(len(e.Payload) > 0, eventPayload)
	set.add(e.ID != "", eventID)
	set.add(e.Name != "", eventName)
	set.add(e.Group != "", eventGroup)
	set.add(e.Text != "", eventText)
	set.add(e.Connect != nil, eventConnect)
	set.add(e.Credentials != nil, eventCredentials)
	set.add(len(e.Headers) > 0, eventHeaders)
	if set != 0 {
		b = appendEventFields(appendUint(b, uint64(set)), e, set)
	}
	return finish(b, start)
}

func appendEventFields(b []byte, e *sdk.Event, set fieldSet) []byte {
	if set&eventPosition != 0 {
		b = appendUint(b, e.Position)
	}
	if set&eventQueued != 0 {
		b = appendInt(b, int64(e.Queued))
	}
	if set&eventRetryAfter != 0 {
		b = appendInt(b, int64(e.RetryAfter))
	}
	if set&eventRanges != 0 {
		b = appendUint(b, uint64(len(e.Ranges)))
		for _, r := range e.Ranges {
			b = appendUint(appendUint(b, r.First), r.Last)
		}
	}
	if set&eventPayload != 0 {
		b = appendBytes(b, e.Payload)
	}
	if set&eventID != 0 {
		b = appendString(b, e.ID)
	}
	if set&eventName != 0 {
		b = appendString(b, e.Name)
	}
	if set&eventGroup != 0 {
		b = appendString(b, e.Group)
	}
	if set&eventText != 0 {
		b = appendString(b, e.Text)
	}
	if set&eventConnect != 0 {
		b = appendConnect(b, e.Connect)
	}
	if set&eventCredentials != 0 {
		b = appendCredentials(b, e.Credentials)
	}
	if set&eventHeaders != 0 {
		b = appendHeaders(b, e.Headers)
	}
	return b
}

// IsEvent says whether a record is an event.
func (r *Record) IsEvent() bool {
	return r.Kind >= Kind(sdk.EventConnect) && r.Kind <= Kind(sdk.EventClosed)
}

// Event decodes an event. Its Payload is part of the record's body.
func (r *Record) Event() (sdk.Event, error) {
	if !r.IsEvent() {
		return sdk.Event{}, r.malformed("not an event")
	}
	if err := r.expect(eventFinal|eventByWrite, true); err != nil {
		return sdk.Event{}, err
	}
	e := sdk.Event{
		Kind: sdk.EventKind(r.Kind), Final: r.Flags&eventFinal != 0,
		Code: r.Code, Conn: sdk.ConnID(r.A), Seq: r.B,
	}
	if r.Flags&eventByWrite != 0 {
		e.By = sdk.AckByWrite
	}
	f := fields{body: r.Body}
	f.event(&e, f.set(eventFieldsEnd-1))
	if err := f.end(r); err != nil {
		return sdk.Event{}, err
	}
	return e, nil
}

func (f *fields) event(e *sdk.Event, set fieldSet) {
	if set&eventPosition != 0 {
		e.Position = f.uint()
	}
	if set&eventQueued != 0 {
		e.Queued = f.int()
	}
	if set&eventRetryAfter != 0 {
		e.RetryAfter = f.duration()
	}
	if set&eventRanges != 0 {
		e.Ranges = f.ranges()
	}
	if set&eventPayload != 0 {
		e.Payload = f.bytes()
	}
	if set&eventID != 0 {
		e.ID = f.string()
	}
	if set&eventName != 0 {
		e.Name = f.string()
	}
	if set&eventGroup != 0 {
		e.Group = f.string()
	}
	if set&eventText != 0 {
		e.Text = f.string()
	}
	if set&eventConnect != 0 {
		e.Connect = f.connect()
	}
	if set&eventCredentials != 0 {
		c := f.credentials()
		e.Credentials = &c
	}
	if set&eventHeaders != 0 {
		e.Headers = f.headers()
	}
}

func (f *fields) ranges() []sdk.SeqRange {
	n := f.count(2)
	if n == 0 {
		return nil
	}
	ranges := make([]sdk.SeqRange, n)
	for i := range ranges {
		ranges[i] = sdk.SeqRange{First: f.uint(), Last: f.uint()}
	}
	return ranges
}
