package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk/wire"
)

// benchPhase is how far a device's connection is.
type benchPhase uint8

const (
	benchAway      benchPhase = iota // no connection
	benchDialling                    // the network has not answered
	benchUpgrading                   // the upgrade to WebSocket is not answered
	benchGreeting                    // CONNECT is not answered
	benchJoining                     // the group has not answered
	benchReady
)

// benchDevice is one device. All are in one slice.
type benchDevice struct {
	fd        int32
	phase     benchPhase
	ackDue    bool
	in        []byte // the beginning of a frame
	out       []byte // what the socket did not take
	session   []byte
	epoch     uint64
	seq       uint64 // the highest
	heartbeat int64  // nanoseconds
	sentAt    int64
	retryAt   int64
	streams   [benchStreamsMax]benchStream
}

func resolveBench(address string) (unix.Sockaddr, bool, error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, false, err
	}
	if v4 := tcp.IP.To4(); v4 != nil {
		return &unix.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(v4)}, v4.IsLoopback(), nil
	}
	return &unix.SockaddrInet6{Port: tcp.Port, Addr: [16]byte(tcp.IP.To16())}, false, nil
}

// connect opens a device's connection.
func (w *benchWorker) connect(i int) {
	d := &w.devices[i]
	fd, err := w.socket(i)
	if err != nil {
		d.phase = benchDialling
		d.fd = -1
		w.opening++
		w.lose(i, err)
		return
	}
	d.fd, d.phase, d.sentAt = int32(fd), benchDialling, w.now
	w.opening++
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLOUT, Fd: int32(i)}); err != nil {
		w.lose(i, err)
	}
}

// benchPerSource is how many connections leave from one loopback address: what
// the usual range of ports holds.
const benchPerSource = 20_000

// socket begins to connect. Ports are per source address, so further
// connections to loopback leave from 127.0.0.2 and on.
func (w *benchWorker) socket(i int) (int, error) {
	family := unix.AF_INET6
	if _, v4 := w.address.(*unix.SockaddrInet4); v4 {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if source := (w.setup.First + i) / benchPerSource; w.local && source > 0 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1) // Without it there are fewer ports.
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, byte(source >> 8), byte(source + 1)}})
	}
	if err == nil {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // Only speed depends on it.
		err = unix.Connect(fd, w.address)
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd) // It was of no use.
		return -1, err
	}
	return fd, nil
}

// event serves what epoll said of a device. Errors end the bench; a lost
// connection is none.
func (w *benchWorker) event(i int, events uint32) error {
	d := &w.devices[i]
	switch {
	case d.phase == benchAway:
		return nil
	case d.phase == benchDialling:
		w.dialled(i)
		return nil
	case events&unix.EPOLLOUT != 0:
		w.flush(i)
	}
	if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) == 0 || d.phase == benchAway {
		return nil
	}
	n, err := unix.Read(int(d.fd), w.buf)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		w.lose(i, fmt.Errorf("read: %w", err))
		return nil
	case n <= 0:
		w.lose(i, fmt.Errorf("the node closed the connection: %w", io.EOF))
		return nil
	}
	return w.take(i, w.buf[:n])
}

// dialled goes on when the network has answered.
func (w *benchWorker) dialled(i int) {
	d := &w.devices[i]
	if code, err := unix.GetsockoptInt(int(d.fd), unix.SOL_SOCKET, unix.SO_ERROR); err != nil || code != 0 {
		w.lose(i, errors.Join(err, fmt.Errorf("connect: %w", unix.Errno(code))))
		return
	}
	w.poll(i, unix.EPOLLIN)
	if w.setup.Target.WebSocket {
		d.phase = benchUpgrading
		w.send(i, w.setup.Target.upgradeRequest())
		return
	}
	w.greet(i)
}

func (w *benchWorker) greet(i int) {
	d := &w.devices[i]
	d.phase = benchGreeting
	c := wire.Connect{Client: "pushcore bench", ClientVersion: version, User: benchUser(w.setup.Run, w.setup.First+i)}
	if w.setup.Group != "" {
		c.Groups = []string{w.setup.Group}
	}
	if w.cutAt != 0 || d.retryAt != 0 {
		c.Resume = wire.Resume{Session: d.session, Epoch: d.epoch, Seq: d.seq}
	}
	w.write(i, &c)
}

func (w *benchWorker) poll(i int, events uint32) {
	d := &w.devices[i]
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_MOD, int(d.fd), &unix.EpollEvent{Events: events, Fd: int32(i)}); err != nil {
		w.lose(i, err)
	}
}

func (w *benchWorker) write(i int, f wire.Frame) {
	w.frames = w.setup.Target.appendFrame(w.frames[:0], f)
	w.send(i, w.frames)
}

// send writes b, or keeps what the socket does not take.
func (w *benchWorker) send(i int, b []byte) {
	d := &w.devices[i]
	d.sentAt = w.now
	if len(d.out) > 0 {
		d.out = append(d.out, b...)
		return
	}
	n, err := unix.Write(int(d.fd), b)
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		w.lose(i, fmt.Errorf("write: %w", err))
		return
	}
	if n = max(0, n); n < len(b) {
		d.out = append(d.out, b[n:]...)
		w.poll(i, unix.EPOLLIN|unix.EPOLLOUT)
	}
}

func (w *benchWorker) flush(i int) {
	d := &w.devices[i]
	b := d.out
	d.out = nil
	if w.send(i, b); d.phase != benchAway && len(d.out) == 0 {
		w.poll(i, unix.EPOLLIN)
	}
}

// take reads frames from what came.
func (w *benchWorker) take(i int, b []byte) error {
	d := &w.devices[i]
	if len(d.in) > 0 {
		d.in = append(d.in, b...)
		b = d.in
	}
	if d.phase == benchUpgrading {
		head, rest, whole := bytes.Cut(b, []byte("\r\n\r\n"))
		if !whole {
			d.in = append(d.in[:0], b...)
			return nil
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
			first, _, _ := bytes.Cut(head, []byte("\r\n"))
			return fmt.Errorf("the upgrade is answered with %q", first)
		}
		b = rest
		w.greet(i)
	}
	for d.phase != benchAway {
		frame, rest, opcode, err := w.setup.Target.split(b)
		if errors.Is(err, wire.ErrIncomplete) {
			break
		}
		if err != nil {
			return fmt.Errorf("the node sends %w", err)
		}
		b = rest
		if err := w.frame(i, opcode, frame); err != nil {
			return err
		}
	}
	if len(b) == 0 || d.phase == benchAway {
		d.in = nil
	} else {
		d.in = append(d.in[:0], b...)
	}
	return nil
}

// frame serves one frame.
func (w *benchWorker) frame(i int, opcode ws.OpCode, b []byte) error {
	switch opcode {
	case ws.OpBinary:
	case ws.OpPing:
		w.frames = maskBenchFrame(append(w.frames[:0], b...), 0, ws.OpPong)
		w.send(i, w.frames)
		return nil
	case ws.OpClose:
		code, text := ws.ParseCloseFrameData(b)
		w.lose(i, fmt.Errorf("the node closed the connection: %d %s", code, text))
		return nil
	default:
		return nil
	}
	kind, err := wire.TypeOf(b)
	if err != nil {
		return err
	}
	if kind == wire.TypePush {
		return w.delivered(i, b)
	}
	f := wire.New(kind)
	if err := f.Parse(b); err != nil {
		return err
	}
	return w.other(i, f)
}

// other serves the frames that are rare.
func (w *benchWorker) other(i int, f wire.Frame) error {
	d := &w.devices[i]
	switch f := f.(type) {
	case *wire.Accept:
		w.accepted(i, f)
	case *wire.Joined:
		if f.Code != 0 {
			return fmt.Errorf("the node does not let devices into group %s: %d %s %s (see groups: in its configuration)", f.Group, f.Code, f.Code, f.Text)
		}
		if d.phase == benchJoining {
			w.ready(i)
		}
	case *wire.Ping:
		w.write(i, &wire.Pong{Number: f.Number})
	case *wire.Reject:
		if f.Reconnect.Rule == wire.ReconnectNo {
			return fmt.Errorf("the node rejects device %s: %d %s %s", benchUser(w.setup.Run, w.setup.First+i), f.Code, f.Code, f.Text)
		}
		d.retryAt = w.now + int64(f.Reconnect.AfterMS)*int64(time.Millisecond)
		w.lose(i, fmt.Errorf("rejected: %d %s %s", f.Code, f.Code, f.Text))
	case *wire.Close:
		if f.Reconnect.Rule == wire.ReconnectNo {
			return fmt.Errorf("the node closes a connection for good: %d %s %s", f.Code, f.Code, f.Text)
		}
		d.retryAt = w.now + int64(f.Reconnect.AfterMS)*int64(time.Millisecond)
		w.lose(i, fmt.Errorf("closed: %d %s %s", f.Code, f.Code, f.Text))
	}
	return nil
}

func (w *benchWorker) accepted(i int, a *wire.Accept) {
	d := &w.devices[i]
	d.session, d.heartbeat = append(d.session[:0], a.Session...), int64(a.HeartbeatMS)*int64(time.Millisecond)
	if a.Resumed {
		w.report.Resumed++
	} else {
		d.seq = 0
	}
	d.epoch = a.Epoch
	if w.setup.Group != "" && !a.Resumed {
		d.phase = benchJoining
		return
	}
	w.ready(i)
}

func (w *benchWorker) ready(i int) {
	w.devices[i].phase = benchReady
	w.opening--
	w.report.Open++
	w.progress = w.now
	if w.cutAt != 0 {
		_ = w.histogram.RecordValue(benchMicros(w.now - w.cutAt)) // It is in range.
	}
}

// benchMicros is a latency as the histogram takes it.
func benchMicros(ns int64) int64 { return min(max(ns/1000, 1), 60_000_000) }

// delivered counts a message.
func (w *benchWorker) delivered(i int, b []byte) error {
	if err := w.push.Parse(b); err != nil {
		return err
	}
	d := &w.devices[i]
	if w.push.Seq > 0 {
		d.seq = max(d.seq, w.push.Seq)
		if !d.ackDue {
			d.ackDue = true
			w.acks = append(w.acks, i)
		}
	}
	stamp, ok := parseBenchPayload(w.push.Payload)
	if !ok || stamp.stream >= benchStreamsMax {
		w.report.Corrupt++
		return nil
	}
	switch d.streams[stamp.stream].take(stamp.number) {
	case benchAgain:
		w.report.Repeated++
		return nil
	case benchLate:
		w.report.Misordered++
	}
	w.report.Unique++
	now := w.clock.now()
	w.report.Last = now
	if !w.setup.Storm {
		_ = w.histogram.RecordValue(benchMicros(now - stamp.intended)) // It is in range.
	}
	return nil
}
