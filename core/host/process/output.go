package process

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	lineMax     = 4096    // bytes; longer lines are cut
	outputMax   = 1 << 20 // bytes, beyond which the file is emptied
	recentLines = 20      // lines that are kept for the reason of an end
)

// output follows the file of a process's standard output or standard error. look
// is called by one goroutine at a time, lastWords from any.
type output struct {
	name   string
	file   *os.File
	seen   *os.File // the offset, for a runtime that comes back
	offset int64
	part   []byte // a line that has begun
	over   bool   // the rest of the line is beyond lineMax
	gate   *gate
	log    *slog.Logger

	mu     sync.Mutex // guards lines
	lines  []string
	broken string // the line with which a panic began
}

// followOutput goes on where an earlier runtime has stopped, else at the offset.
func followOutput(file *os.File, offset int64, g *gate, log *slog.Logger) (*output, error) {
	seen, err := os.OpenFile(file.Name()+seenSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	o := &output{name: filepath.Base(file.Name()), file: file, seen: seen, offset: offset, gate: g, log: log}
	var at [8]byte
	if _, err := seen.ReadAt(at[:], 0); err == nil {
		o.offset = int64(binary.LittleEndian.Uint64(at[:]) & (1<<62 - 1))
	} else {
		o.mark()
	}
	return o, nil
}

// mark writes down what has been read. At worst lines are logged twice.
func (o *output) mark() {
	_, _ = o.seen.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(o.offset)), 0)
}

// look logs what has been written since it looked last.
func (o *output) look(now time.Time) {
	before := o.offset
	info, err := o.file.Stat()
	if err != nil {
		return
	}
	if info.Size() < o.offset {
		o.offset = 0 // Somebody else has emptied it.
	}
	if skipped := info.Size() - o.offset - outputMax; skipped > 0 {
		o.offset += skipped
		o.part = o.part[:0]
		o.log.Warn("the plugin writes more than is read", "from", o.name, "skipped_bytes", skipped)
	}
	buffer := make([]byte, 64<<10)
	for {
		n, err := o.file.ReadAt(buffer, o.offset)
		o.offset += int64(n)
		o.take(now, buffer[:n])
		if n == 0 || err != nil {
			break
		}
	}
	if o.offset > outputMax && o.file.Truncate(0) == nil {
		o.offset = 0
	}
	if o.offset != before {
		o.mark()
	}
}

// take splits what was read into lines.
func (o *output) take(now time.Time, b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		piece := b
		if i >= 0 {
			piece = b[:i]
		}
		room := lineMax - len(o.part)
		o.part = append(o.part, piece[:min(room, len(piece))]...)
		o.over = o.over || len(piece) > room
		if i < 0 {
			return
		}
		o.line(now)
		b = b[i+1:]
	}
}

// line hands on the line that is complete.
func (o *output) line(now time.Time) {
	text := strings.ToValidUTF8(strings.TrimRight(string(o.part), "\r"), "?")
	if o.over {
		text += "…"
	}
	o.part, o.over = o.part[:0], false
	if strings.TrimSpace(text) == "" {
		return
	}
	o.keep(text)
	if o.gate.pass(now) {
		o.log.Info(text, "from", o.name)
	}
}

func (o *output) keep(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") {
		o.broken = text
	}
	if len(o.lines) == recentLines {
		o.lines = append(o.lines[:0], o.lines[1:]...)
	}
	o.lines = append(o.lines, text)
}

// finish reads the rest, when nothing follows, and closes the files.
func (o *output) finish(now time.Time) {
	o.look(now)
	if len(o.part) > 0 {
		o.line(now)
	}
	_ = o.seen.Close()
}

// lastWords is what the process wrote last: of a panic how it began, else its
// last lines.
func (o *output) lastWords() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken != "" {
		return cut(o.broken, 300)
	}
	var last []string
	for _, line := range o.lines[max(0, len(o.lines)-3):] {
		last = append(last, cut(line, 100))
	}
	return strings.Join(last, " | ")
}

// lastWordsOf reads what was written last to a file that nobody follows.
func lastWordsOf(file *os.File) string {
	o := &output{file: file, gate: &gate{}, log: slog.New(slog.DiscardHandler)}
	info, err := file.Stat()
	if err != nil {
		return ""
	}
	b := make([]byte, min(info.Size(), 64<<10))
	n, _ := file.ReadAt(b, info.Size()-int64(len(b))) // What there is will do.
	o.take(time.Time{}, append(b[:n], '\n'))
	return o.lastWords()
}
