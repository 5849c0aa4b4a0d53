package pluginrpc

import "github.com/pushcore/pushcore/sdk"

// Conn is a connection that a plugin's process has kept while it had no runtime.
type Conn struct {
	Conn   sdk.ConnID
	Seq    uint64 // highest number handed over to it
	Acked  uint64 // highest cumulative ack seen of it
	Queued int    // bytes that wait for its socket
	Gone   bool   // it has ended meanwhile
	Keep   []byte // what the runtime gave with Accept or Keep last
}

const connGone = 1 // flag of Conn

// AppendConn appends a row of the table.
func AppendConn(b []byte, c *Conn) []byte {
	start := len(b)
	b = begin(b, KindConn, flag(c.Gone, connGone), 0, uint64(c.Conn), c.Seq)
	b = appendUint(b, c.Acked)
	b = appendInt(b, int64(c.Queued))
	return finish(appendBytes(b, c.Keep), start)
}

// Conn decodes a row of the table. Keep is a part of the record's body.
func (r *Record) Conn() (Conn, error) {
	if err := r.is(KindConn, connGone); err != nil {
		return Conn{}, err
	}
	f := fields{body: r.Body}
	c := Conn{
		Conn: sdk.ConnID(r.A), Seq: r.B, Gone: r.Flags&connGone != 0,
		Acked: f.uint(), Queued: f.int(), Keep: f.bytes(),
	}
	if c.Conn == 0 || c.Conn > ConnMax {
		f.fail("an id that no connection can have")
	}
	return c, f.end(r)
}

// AppendTableEnd appends that the table is complete.
func AppendTableEnd(b []byte, rows int) []byte {
	return finish(begin(b, KindTableEnd, 0, 0, uint64(rows), 0), len(b))
}

// TableEnd decodes the end of the table.
func (r *Record) TableEnd() (rows uint64, err error) {
	if err := r.is(KindTableEnd, 0); err != nil {
		return 0, err
	}
	f := fields{body: r.Body}
	return r.A, f.end(r)
}

// ConnMax is the highest id that a connection can have. The runtime puts above it
// the incarnation of the process.
const ConnMax = sdk.ConnID(1)<<48 - 1
