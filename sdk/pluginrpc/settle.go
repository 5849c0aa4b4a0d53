package pluginrpc

import "github.com/pushcore/pushcore/sdk"

// AppendSettlement appends what became of records. The outcome stands in the
// flags, positions as differences.
func AppendSettlement(b []byte, s *sdk.Settlement) []byte {
	start := len(b)
	b = begin(b, KindSettle, uint8(s.Outcome), 0, s.Epoch, 0)
	b = appendString(b, s.Source)
	b = appendUint(b, uint64(len(s.Positions)))
	last := uint64(0)
	for _, p := range s.Positions {
		b = appendUint(b, p-last)
		last = p
	}
	return finish(b, start)
}

// Settlement decodes what became of records.
func (r *Record) Settlement() (sdk.Settlement, error) {
	if r.Kind != KindSettle || r.Code != 0 {
		return sdk.Settlement{}, r.malformed("not a settlement")
	}
	if r.Flags > uint8(sdk.Dead) {
		return sdk.Settlement{}, r.malformed("an unknown outcome")
	}
	f := fields{body: r.Body}
	s := sdk.Settlement{Source: f.string(), Epoch: r.A, Outcome: sdk.Outcome(r.Flags)}
	if n := f.count(1); n > 0 {
		s.Positions = make([]uint64, n)
	}
	last := uint64(0)
	for i := range s.Positions {
		step := f.uint()
		if i > 0 && step == 0 || last+step < last {
			f.fail("positions that do not ascend")
			break
		}
		last += step
		s.Positions[i] = last
	}
	return s, f.end(r)
}

// AppendPause appends that a source is to stop, or to go on.
func AppendPause(b []byte, source string, pause bool) []byte {
	start, kind := len(b), KindResume
	if pause {
		kind = KindPause
	}
	return finish(appendString(begin(b, kind, 0, 0, 0, 0), source), start)
}

// Source decodes the source of a Pause or Resume record.
func (r *Record) Source() (string, error) {
	if r.Kind != KindPause && r.Kind != KindResume {
		return "", r.malformed("neither pause nor resume")
	}
	if err := r.expect(0, false); err != nil {
		return "", err
	}
	f := fields{body: r.Body}
	return f.string(), f.end(r)
}
