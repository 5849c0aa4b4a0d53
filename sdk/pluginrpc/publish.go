package pluginrpc

import "github.com/pushcore/pushcore/sdk"

// AppendOutgoing appends a record to publish.
func AppendOutgoing(b []byte, o *sdk.Outgoing) []byte {
	start := len(b)
	b = begin(b, KindPublish, 0, 0, o.ID, 0)
	b = appendString(b, string(o.Output))
	b = appendBytes(b, o.Key)
	b = appendHeaders(b, o.Headers)
	return finish(appendBytes(b, o.Body), start)
}

// Outgoing decodes a record to publish. Key, header values and body are parts of
// the record's body.
func (r *Record) Outgoing() (sdk.Outgoing, error) {
	if err := r.is(KindPublish, 0); err != nil {
		return sdk.Outgoing{}, err
	}
	f := fields{body: r.Body}
	o := sdk.Outgoing{ID: r.A, Output: sdk.Output(f.string()), Key: f.bytes(), Headers: f.headers(), Body: f.bytes()}
	switch o.Output {
	case sdk.OutputUplink, sdk.OutputEvents, sdk.OutputFates, sdk.OutputReceipt, sdk.OutputDeadLetter:
	default:
		f.fail("an unknown output")
	}
	return o, f.end(r)
}

// AppendPublished appends the result of a publish.
func AppendPublished(b []byte, p *sdk.PublishResult) []byte {
	start := len(b)
	b = begin(b, KindPublished, flag(p.Final, 1), 0, p.ID, 0)
	return finish(appendString(b, p.Error), start)
}

// Published decodes the result of a publish.
func (r *Record) Published() (sdk.PublishResult, error) {
	if err := r.is(KindPublished, 1); err != nil {
		return sdk.PublishResult{}, err
	}
	f := fields{body: r.Body}
	return sdk.PublishResult{ID: r.A, Error: f.string(), Final: r.Flags == 1}, f.end(r)
}

// AppendStatus appends whether the broker is reached.
func AppendStatus(b []byte, up bool, text string) []byte {
	start := len(b)
	return finish(appendString(begin(b, KindStatus, flag(up, 1), 0, 0, 0), text), start)
}

// Status decodes whether the broker is reached.
func (r *Record) Status() (up bool, text string, err error) {
	if err := r.is(KindStatus, 1); err != nil {
		return false, "", err
	}
	f := fields{body: r.Body}
	return r.Flags == 1, f.string(), f.end(r)
}

// AppendLag appends how many records of a source wait at the broker.
func AppendLag(b []byte, source string, records int64) []byte {
	start := len(b)
	return finish(appendString(begin(b, KindLag, 0, 0, uint64(records), 0), source), start)
}

// Lag decodes how many records of a source wait at the broker.
func (r *Record) Lag() (source string, records int64, err error) {
	if err := r.is(KindLag, 0); err != nil {
		return "", 0, err
	}
	f := fields{body: r.Body}
	return f.string(), int64(r.A), f.end(r)
}
