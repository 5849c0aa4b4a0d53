package pluginrpc

import "github.com/pushcore/pushcore/sdk"

// Renamed says which id a connection of the process before has in this one; To 0:
// it was lost.
type Renamed struct{ From, To sdk.ConnID }

// AppendFreeze appends the last record to a process that is replaced.
func AppendFreeze(b []byte) []byte { return finish(begin(b, KindFreeze, 0, 0, 0, 0), len(b)) }

// AppendFrozen appends that all before Freeze was carried out.
func AppendFrozen(b []byte, conns int) []byte {
	return finish(begin(b, KindFrozen, 0, 0, uint64(conns), 0), len(b))
}

// Frozen decodes how many connections were frozen.
func (r *Record) Frozen() (conns uint64, err error) {
	if err := r.is(KindFrozen, 0); err != nil {
		return 0, err
	}
	f := fields{body: r.Body}
	return r.A, f.end(r)
}

// AppendAdopted appends the new ids of the connections of the process before.
func AppendAdopted(b []byte, names []Renamed) []byte {
	start := len(b)
	b = begin(b, KindAdopted, 0, 0, uint64(len(names)), 0)
	for _, n := range names {
		b = appendUint(appendUint(b, uint64(n.From)), uint64(n.To))
	}
	return finish(b, start)
}

// Adopted decodes the new ids of the connections of the process before.
func (r *Record) Adopted() ([]Renamed, error) {
	if err := r.is(KindAdopted, 0); err != nil {
		return nil, err
	}
	if r.A > uint64(len(r.Body)/2) {
		return nil, r.malformed("a list that is longer than its record")
	}
	f := fields{body: r.Body}
	var names []Renamed
	for range r.A {
		n := Renamed{From: sdk.ConnID(f.uint()), To: sdk.ConnID(f.uint())}
		if n.From == 0 || n.From > ConnMax || n.To > ConnMax {
			f.fail("an id that no connection can have")
			break
		}
		names = append(names, n)
	}
	return names, f.end(r)
}
