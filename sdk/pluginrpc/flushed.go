package pluginrpc

// Progress is how far a plugin has got with what the runtime sent on a link.
type Progress struct {
	Flushes uint64 // Flush records carried out since the link began
	Bytes   uint64 // bytes of records taken since the link began
}

// AppendFlushed appends how far the plugin has got.
func AppendFlushed(b []byte, p Progress) []byte {
	return finish(begin(b, KindFlushed, 0, 0, p.Flushes, p.Bytes), len(b))
}

// Flushed decodes how far the plugin has got.
func (r *Record) Flushed() (Progress, error) {
	if err := r.is(KindFlushed, 0); err != nil {
		return Progress{}, err
	}
	f := fields{body: r.Body}
	return Progress{Flushes: r.A, Bytes: r.B}, f.end(r)
}
