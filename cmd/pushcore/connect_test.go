package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

// serveDevices plays a node on TCP: each connection is answered with accept
// and, in one write, the frames.
func serveDevices(t *testing.T, frames ...wire.Frame) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	var b []byte
	for _, f := range frames {
		start := len(b)
		b = wire.PrefixLength(f.Append(b), start)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := conn.Write(b); err == nil {
					_, _ = io.Copy(io.Discard, conn)
				}
			}()
		}
	}()
	return "tcp://" + listener.Addr().String()
}

var sessionFrame = &wire.Accept{Window: 10, RememberIDs: 10, User: "alice"}

func runConnect(t *testing.T, args ...string) (code int, out, states string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = execute(append([]string{"connect"}, args...), strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestConnectPrintsMessagesAndEndsAtTheCount(t *testing.T) {
	url := serveDevices(t, sessionFrame,
		&wire.Push{Seq: 4, ID: []byte("m1"), Name: []byte("order"), FromUser: []byte("alice"), Payload: []byte("hello\x1b[2J\n")},
		&wire.Push{ID: []byte("m2"), FromGroup: []byte("a,b"), Payload: []byte{0xff}},
		&wire.Push{Seq: 5, ID: []byte("m3")})
	code, out, states := runConnect(t, url, "--user", "alice", "--count", "2", "--json", "--timeout", "60s")
	want := `{"id":"m1","seq":4,"class":"reliable","name":"order","from":"user:alice","payload":"hello\u001b[2J\n"}
{"id":"m2","class":"fast","from":"group:a%2Cb","payload_base64":"/w=="}
`
	if code != exitOK || out != want {
		t.Errorf("exit %d, printed\n%swant\n%s", code, out, want)
	}
	if !strings.Contains(states, "connected to "+url+" as user alice") {
		t.Errorf("standard error has %q", states)
	}
	code, out, _ = runConnect(t, url, "--user", "alice", "--count", "2", "--timeout", "60s")
	lines := strings.Split(out, "\n")
	if code != exitOK || len(lines) != 3 || !strings.HasSuffix(lines[0], ` user:alice order hello\x1b[2J\n`) || !strings.HasSuffix(lines[1], " group:a%2Cb - base64:/w==") {
		t.Errorf("exit %d, printed\n%s", code, out)
	}
}

func TestConnectExitCodes(t *testing.T) {
	kicked := &wire.Close{Code: wire.CodeKicked, Text: "by an operator", Reconnect: wire.Reconnect{Rule: wire.ReconnectNo}}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	tests := []struct {
		name string
		args []string
		code int
		text string
	}{
		{"too few in time", []string{serveDevices(t, sessionFrame), "--user", "a", "--count", "3", "--timeout", "300ms"}, exitTimeout, "0 of 3 messages"},
		{"never reached", []string{"tcp://" + closed.Addr().String(), "--user", "a", "--timeout", "300ms"}, exitUnreachable, "no node could be reached in time: "},
		{"closed for good", []string{serveDevices(t, sessionFrame, kicked), "--user", "a"}, exitFailed, "4503 kicked: by an operator"},
		{"nobody", []string{"tcp://127.0.0.1:1"}, exitUsage, "--user or --token"},
		{"no such scheme", []string{"http://127.0.0.1:1", "--user", "a"}, exitUsage, "none of tcp, tls, ws, wss"},
		{"no URL", []string{"--user", "a"}, exitUsage, "accepts 1 arg"},
		{"a time without a unit", []string{"tcp://127.0.0.1:1", "--user", "a", "--timeout", "5"}, exitUsage, "--timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, _, states := runConnect(t, tt.args...)
			if code != tt.code || !strings.Contains(states, tt.text) {
				t.Errorf("exit %d, want %d; standard error has %q, want %q in it", code, tt.code, states, tt.text)
			}
		})
	}
}

func TestInterruptedWatchHasSucceededUnlessACountIsMissed(t *testing.T) {
	w := &watch{}
	if err := w.unmet(context.Canceled); err != nil {
		t.Errorf("without a count: %v", err)
	}
	w.count = 2
	if err := w.unmet(context.Canceled); err == nil || exitCode(err) != exitFailed {
		t.Errorf("with a count: %v", err)
	}
}

func TestPrintedPayloadIsNeverLeftOut(t *testing.T) {
	b, err := json.Marshal(printable(client.Message{ID: "a"}))
	if want := `{"id":"a","class":"fast","payload":""}`; err != nil || string(b) != want {
		t.Errorf("an empty payload is printed as %s, want %s", b, want)
	}
	line := messageLine(client.Message{Payload: []byte("\u202ereversed")}, time.Date(2030, 1, 2, 3, 4, 5, 6e6, time.UTC))
	if want := `03:04:05.006 - - \u202ereversed`; line != want {
		t.Errorf("printed %q, want %q", line, want)
	}
}
