package foreign

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// redisServer is a Redis of the test's own.
type redisServer struct {
	t    testing.TB
	dir  string
	cmd  *exec.Cmd
	conn net.Conn // of the test
	in   *bufio.Reader
}

// startRedis starts one; more are options of its command line.
func startRedis(t testing.TB, more ...string) *redisServer {
	t.Helper()
	need(t, "redis-server")
	dir, err := os.MkdirTemp("", "rs") //nolint:usetesting // A test's own directory has too long a name for a socket.
	if err != nil {
		t.Fatal(err)
	}
	r := &redisServer{t: t, dir: dir}
	t.Cleanup(func() {
		r.stop()
		_ = os.RemoveAll(dir)
	})
	r.start(more...)
	return r
}

func (r *redisServer) socket() string { return filepath.Join(r.dir, "s") }
func (r *redisServer) url() string    { return "unix://" + r.socket() }

// start brings it up, with what it had when it was stopped.
func (r *redisServer) start(more ...string) {
	r.t.Helper()
	args := append([]string{"--port", "0", "--unixsocket", r.socket(), "--dir", r.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always"}, more...)
	r.cmd = exec.Command("redis-server", args...)
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); ; <-ticker.C {
		conn, err := net.Dial("unix", r.socket())
		if err == nil {
			r.conn, r.in = conn, bufio.NewReader(conn)
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("redis-server does not listen: %v", err)
		}
	}
}

func (r *redisServer) stop() {
	if r.cmd == nil {
		return
	}
	_ = r.conn.Close()
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	r.cmd = nil
}

// do sends a command; an error of Redis is the answer "(error) …".
func (r *redisServer) do(args ...any) any {
	r.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		text := fmt.Sprint(a)
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(text), text)
	}
	if _, err := io.WriteString(r.conn, b.String()); err != nil {
		r.t.Fatal(err)
	}
	v, err := r.answer()
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

// answer reads a value of RESP 2.
func (r *redisServer) answer() (any, error) {
	line, err := r.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '-':
		return "(error) " + line[1:], nil
	case ':':
		return n, nil
	case '$':
		if n < 0 {
			return nil, nil
		}
		b := make([]byte, n+2)
		_, err := io.ReadFull(r.in, b)
		return string(b[:n]), err
	case '*':
		var list []any
		for range n {
			v, err := r.answer()
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return line[1:], nil
}

// add appends an entry and returns its id.
func (r *redisServer) add(stream string, fields ...any) string {
	r.t.Helper()
	id, ok := r.do(append([]any{"XADD", stream, "*"}, fields...)...).(string)
	if !ok || strings.HasPrefix(id, "(error)") {
		r.t.Fatalf("xadd: %v", id)
	}
	return id
}

// pending is how many entries the group has given out and nobody has acked.
func (r *redisServer) pending(stream string) int {
	r.t.Helper()
	v, ok := r.do("XPENDING", stream, "pushcore").([]any)
	if !ok {
		r.t.Fatalf("xpending: %v", v)
	}
	return v[0].(int)
}

// until waits for a condition that nothing tells of.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !done(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s", what)
		}
	}
}
