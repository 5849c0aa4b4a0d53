package wsconn

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// interopTimeout ends a test whose peer hangs.
const interopTimeout = 20 * time.Second

// echoServer answers each message with itself on a loopback socket, reading
// readSize bytes at a time. A text "close CODE REASON" makes it begin the
// close handshake; "ping TEXT" makes it send a ping. The result of each
// connection goes to ended.
type echoServer struct {
	listener net.Listener
	upgrader *Upgrader
	readSize int
	ended    chan string
}

func startEchoServer(t *testing.T, readSize int) *echoServer {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &echoServer{listener, newUpgrader(t, testConfig()), readSize, make(chan string, 1)}
	stopped := make(chan struct{})
	go s.acceptAll(stopped)
	t.Cleanup(func() {
		_ = listener.Close()
		<-stopped
	})
	return s
}

func (s *echoServer) url() string { return "ws://" + s.listener.Addr().String() + "/connect" }

func (s *echoServer) acceptAll(stopped chan<- struct{}) {
	defer close(stopped)
	for {
		socket, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.ended <- s.serve(socket)
	}
}

func (s *echoServer) serve(socket net.Conn) string {
	defer func() { _ = socket.Close() }()
	_ = socket.SetDeadline(time.Now().Add(interopTimeout))
	rest, err := s.upgrade(socket)
	if err != nil {
		return err.Error()
	}
	conn, buffer := NewConn(64<<20), make([]byte, s.readSize)
	for {
		out, broken := echoAll(&conn, rest)
		if _, err := socket.Write(out); err != nil {
			return err.Error()
		}
		if conn.Closed() {
			return fmt.Sprint("closed ", broken)
		}
		n, err := socket.Read(buffer)
		if err != nil {
			return err.Error()
		}
		rest = buffer[:n]
	}
}

func (s *echoServer) upgrade(socket net.Conn) (rest []byte, err error) {
	var h Handshake
	buffer := make([]byte, s.readSize)
	for {
		n, err := socket.Read(buffer)
		if err != nil {
			return nil, err
		}
		req, rest, err := h.Feed(s.upgrader, netip.Addr{}, buffer[:n])
		var refusal *Refusal
		if errors.As(err, &refusal) {
			_, _ = socket.Write(refusal.AppendResponse(nil))
			return nil, err
		}
		if req != nil {
			_, err := socket.Write(req.AppendResponse(nil))
			return rest, err
		}
	}
}

// echoAll returns what is to be written in answer to in.
func echoAll(conn *Conn, in []byte) (out []byte, broken error) {
	for {
		event, rest, err := conn.Next(in)
		if err != nil {
			e := err.(*Error)
			return conn.AppendClose(out, e.Code, e.Rule), err
		}
		in = rest
		switch event.Opcode {
		case None:
			return out, nil
		case Ping:
			out = AppendFrame(out, Pong, event.Payload)
		case Close:
			out = conn.AppendClose(out, event.Code, "")
		case Text, Binary:
			var code uint16
			var word string
			if n, _ := fmt.Sscanf(string(event.Payload[:min(len(event.Payload), 100)]), "close %d %s", &code, &word); n == 2 {
				out = conn.AppendClose(out, code, word)
			} else if word, ok := bytes.CutPrefix(event.Payload, []byte("ping ")); ok {
				out = AppendFrame(out, Ping, word)
			} else if !conn.Closing() {
				out = AppendFrame(out, event.Opcode, event.Payload)
			}
		}
	}
}

// eachReadSize runs a test against servers that read in different pieces.
func eachReadSize(t *testing.T, test func(t *testing.T, s *echoServer)) {
	for _, readSize := range []int{7, 512, 64 << 10} {
		t.Run(fmt.Sprintf("reads of %d", readSize), func(t *testing.T) { test(t, startEchoServer(t, readSize)) })
	}
}

func (s *echoServer) wantEnd(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-s.ended:
		if got != want {
			t.Errorf("server ended with %q, want %q", got, want)
		}
	case <-time.After(interopTimeout):
		t.Fatal("server did not end the connection")
	}
}

// echoSizes reach every form of the length and cross every buffer.
func (s *echoServer) echoSizes() []int {
	sizes := []int{0, 1, 125, 126, 65535, 65536, 3 << 20}
	if s.readSize < 100 {
		return sizes[:len(sizes)-1] // A system call for each 7 bytes takes its time.
	}
	return sizes
}
