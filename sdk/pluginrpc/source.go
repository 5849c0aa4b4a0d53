package pluginrpc

import "github.com/pushcore/pushcore/sdk"

const (
	assignedStable = 1 // flag of Assigned
	recordSizeMin  = 8 // a byte for each field at least, two for the time
)

// AppendAssigned appends the begin of a source's epoch.
func AppendAssigned(b []byte, s sdk.Source) []byte {
	start := len(b)
	b = begin(b, KindAssigned, flag(s.StablePositions, assignedStable), 0, s.Epoch, 0)
	return finish(appendString(b, s.Name), start)
}

// Assigned decodes the begin of a source's epoch.
func (r *Record) Assigned() (sdk.Source, error) {
	if err := r.is(KindAssigned, assignedStable); err != nil {
		return sdk.Source{}, err
	}
	f := fields{body: r.Body}
	s := sdk.Source{Name: f.string(), Epoch: r.A, StablePositions: r.Flags&assignedStable != 0}
	return s, f.end(r)
}

// AppendRevoked appends the end of a source's epoch.
func AppendRevoked(b []byte, source string, epoch uint64) []byte {
	start := len(b)
	return finish(appendString(begin(b, KindRevoked, 0, 0, epoch, 0), source), start)
}

// Revoked decodes the end of a source's epoch.
func (r *Record) Revoked() (source string, epoch uint64, err error) {
	if err := r.is(KindRevoked, 0); err != nil {
		return "", 0, err
	}
	f := fields{body: r.Body}
	return f.string(), r.A, f.end(r)
}

// AppendRecords appends a batch of a source; its answer (Taken) or Cancel names
// the token.
func AppendRecords(b []byte, token uint64, batch *sdk.Records) []byte {
	start := len(b)
	b = begin(b, KindBatch, 0, 0, batch.Epoch, token)
	b = appendString(b, batch.Source)
	b = appendUint(b, uint64(len(batch.Records)))
	for i := range batch.Records {
		m := &batch.Records[i]
		b = appendUint(b, m.Position)
		b = appendTime(b, m.Timestamp)
		b = appendString(b, m.MessageID)
		b = appendUint(b, uint64(flag(m.Redelivered, 1)))
		b = appendBytes(b, m.Key)
		b = appendHeaders(b, m.Headers)
		b = appendBytes(b, m.Body)
	}
	return finish(b, start)
}

// Records decodes a batch of a source. Keys, header values and bodies are parts
// of the record's body.
func (r *Record) Records() (token uint64, batch sdk.Records, err error) {
	if err := r.is(KindBatch, 0); err != nil {
		return 0, sdk.Records{}, err
	}
	f := fields{body: r.Body}
	batch = sdk.Records{Source: f.string(), Epoch: r.A}
	if n := f.count(recordSizeMin); n > 0 {
		batch.Records = make([]sdk.Record, n)
	}
	for i := range batch.Records {
		batch.Records[i] = sdk.Record{
			Position: f.uint(), Timestamp: f.time(), MessageID: f.string(), Redelivered: f.bool(),
			Key: f.bytes(), Headers: f.headers(), Body: f.bytes(),
		}
	}
	return r.B, batch, f.end(r)
}

// AppendCancel appends that nobody waits any more for a batch to be taken.
func AppendCancel(b []byte, token uint64) []byte {
	return finish(begin(b, KindCancel, 0, 0, 0, token), len(b))
}

// Cancel decodes a cancellation.
func (r *Record) Cancel() (token uint64, err error) {
	if err := r.is(KindCancel, 0); err != nil {
		return 0, err
	}
	f := fields{body: r.Body}
	return r.B, f.end(r)
}

// AppendTaken appends the answer to a batch; the text says why it was not taken.
func AppendTaken(b []byte, token uint64, refused bool, text string) []byte {
	start := len(b)
	return finish(appendString(begin(b, KindTaken, flag(refused, 1), 0, 0, token), text), start)
}

// Taken decodes the answer to a batch.
func (r *Record) Taken() (token uint64, refused bool, text string, err error) {
	if err := r.is(KindTaken, 1); err != nil {
		return 0, false, "", err
	}
	f := fields{body: r.Body}
	return r.B, r.Flags == 1, f.string(), f.end(r)
}

// is checks the kind and the flags of a record without a code.
func (r *Record) is(kind Kind, flags uint8) error {
	if r.Kind != kind {
		return r.malformed("another kind was expected")
	}
	return r.expect(flags, false)
}
