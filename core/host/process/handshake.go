package process

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

const (
	firstLineMax  = 4096                 // bytes
	firstLinePoll = 5 * time.Millisecond // between looks at the file
)

// firstLine reads the first line of a growing file; it ends after it, or when the
// process has ended without one.
type firstLine struct {
	file  *os.File
	ended <-chan struct{}

	once sync.Once // reads
	rest io.Reader

	mu   sync.Mutex // guards line
	line string
}

func newFirstLine(file *os.File, ended <-chan struct{}) *firstLine {
	return &firstLine{file: file, ended: ended}
}

// Read implements io.Reader.
func (f *firstLine) Read(b []byte) (int, error) {
	f.once.Do(func() { f.rest = bytes.NewReader(f.await()) })
	return f.rest.Read(b)
}

// Close implements io.Closer.
func (f *firstLine) Close() error { return nil }

// await returns the line, cut at firstLineMax, or nothing.
func (f *firstLine) await() []byte {
	look := time.NewTicker(firstLinePoll)
	defer look.Stop()
	for {
		over := false
		select {
		case <-f.ended:
			over = true
		case <-look.C:
		}
		b := make([]byte, firstLineMax)
		n, err := f.file.ReadAt(b, 0)
		b = b[:n]
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			b = b[:i+1]
		} else if n < firstLineMax && !over && (err == nil || err == io.EOF) {
			continue
		}
		f.mu.Lock()
		f.line = strings.TrimRight(string(b), "\r\n")
		f.mu.Unlock()
		return b
	}
}

// text is the line, or empty while there is none.
func (f *firstLine) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.line
}

// handshakeFault says what is wrong with a handshake line, and what to do about
// it; both are empty if it is one that go-plugin understands and we can speak with.
func handshakeFault(line string) (fault, advice string) {
	parts := strings.Split(line, "|")
	switch {
	case len(parts) < 4 || len(parts[0]) > 3 || strings.Trim(parts[0], "0123456789") != "":
		return fmt.Sprintf("printed %q on standard output before its handshake", cut(line, 80)),
			"print nothing there; logs go to standard error"
	case parts[0] != "1":
		return fmt.Sprintf("speaks version %s of go-plugin's handshake, not 1", parts[0]), "use a release of the plugin that speaks it"
	case parts[1] != fmt.Sprint(pluginrpc.Protocol):
		return fmt.Sprintf("speaks version %s of the plugin protocol, this pushcore speaks %d", cut(parts[1], 20), pluginrpc.Protocol),
			"use a release of the plugin that was made for this pushcore"
	case len(parts) < 5 || parts[4] != "grpc":
		return "does not serve gRPC", "it may be a plugin of another program"
	}
	return "", ""
}

// cut shortens a text for an error.
func cut(s string, sizeMax int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= sizeMax {
		return s
	}
	return strings.ToValidUTF8(s[:sizeMax], "") + "…"
}
