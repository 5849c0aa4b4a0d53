package pluginrpc

// Credit is a grant of the runtime to a transport: when it has taken Consumed
// payload bytes of the link since its start, Bytes more may follow.
type Credit struct {
	Consumed uint64
	Bytes    uint64
}

// AppendFlush appends the end of a turn.
func AppendFlush(b []byte, c Credit) []byte {
	return finish(begin(b, KindFlush, 0, 0, c.Consumed, c.Bytes), len(b))
}

// AppendCredit appends a grant between turns.
func AppendCredit(b []byte, c Credit) []byte {
	return finish(begin(b, KindCredit, 0, 0, c.Consumed, c.Bytes), len(b))
}

// Credit decodes the grant of a Flush or Credit record.
func (r *Record) Credit() (Credit, error) {
	if r.Kind != KindFlush && r.Kind != KindCredit {
		return Credit{}, r.malformed("not a grant")
	}
	if err := r.expect(0, false); err != nil {
		return Credit{}, err
	}
	f := fields{body: r.Body}
	return Credit{Consumed: r.A, Bytes: r.B}, f.end(r)
}
