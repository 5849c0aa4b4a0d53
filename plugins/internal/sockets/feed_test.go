package sockets

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
)

// Fed is a connection that a test feeds by hand.
type Fed struct {
	stage *Stage
	conn  *conn
	far   int32 // the other end of its socket
}

// Connection begins a connection on the first loop.
func (s *Stage) Connection() *Fed {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		s.T.Fatal(err)
	}
	l := s.Transport.loops[0]
	l.welcome(fds[0], netip.MustParseAddrPort("127.0.0.1:1"))
	return &Fed{s, l.all[len(l.all)-1], int32(fds[1])}
}

// Feed has the connection read b, as if the socket had given it, and plays the turn
// to its end.
func (f *Fed) Feed(b []byte) {
	l := f.stage.Transport.loops[0]
	for len(b) > 0 && f.conn.phase != Free {
		n := copy(l.read, b)
		b = b[n:]
		f.conn.consume(l.read[:n])
		l.report()
		f.stage.answer(0)
		f.stage.Transport.Flush(0)
	}
}

// Read has the connection read b within a turn. It changes b.
func (f *Fed) Read(b []byte) {
	f.conn.consume(b)
	f.conn.server.report()
}

// Drain reads what the socket was given away.
func (f *Fed) Drain() {
	for {
		if n, err := readSocket(f.far, f.conn.server.read); n <= 0 || err != 0 {
			return
		}
	}
}

// Hand freezes the connection and goes on with it as another process would.
func (f *Fed) Hand() {
	if f.conn.phase == Free {
		return
	}
	c, l := f.conn, f.conn.server
	frozen := sdk.Frozen{Conn: c.id, FD: int(c.fd), State: encode(frozenConn{stateVersion, c.state()})}
	l.remove(c)
	l.slab.give(c)
	var err error
	if f.conn, err = l.revive(&frozen); err != nil {
		f.stage.T.Fatalf("go on with %s: %v", frozen.State, err)
	}
}

// replace goes on with the connection's descriptor under another state.
func (f *Fed) replace(state []byte) {
	c, l := f.conn, f.conn.server
	fd := int(c.fd)
	l.remove(c)
	l.slab.give(c)
	id := f.stage.Transport.Adopt(0, []sdk.Frozen{{Conn: 1, FD: fd, State: state}})[0]
	if f.conn = l.find(id); f.conn == nil {
		f.conn = &conn{server: l} // It has ended.
	}
}

// Result closes the connection and returns its events and all that it wrote.
func (f *Fed) Result() ([]sdk.Event, []byte) {
	var out []byte
	b := make([]byte, 64<<10)
	for {
		n, err := readSocket(f.far, b)
		if n <= 0 || err != 0 {
			break
		}
		out = append(out, b[:n]...)
	}
	out = append(out, f.conn.out...)
	if f.conn.phase != Free {
		f.conn.drop(0, "")
		f.stage.Transport.Flush(0)
	}
	_ = unix.Close(int(f.far))
	events := f.stage.Events
	f.stage.Events = nil
	for i := range events {
		events[i].Conn = 0
		if len(events[i].Payload) == 0 {
			events[i].Payload = nil
		}
	}
	return events, out
}
