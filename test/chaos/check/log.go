package check

import (
	"bufio"
	"os"
	"strconv"
	"sync"
	"time"
)

// Log is a file of events. It is safe for concurrent use; what a call has written survives the end of the process only
// after Flush.
type Log struct {
	mu   sync.Mutex // guards the rest
	file *os.File
	w    *bufio.Writer
	line []byte
	err  error
}

// NewLog makes the file, or goes on at its end.
func NewLog(name string) (*Log, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &Log{file: file, w: bufio.NewWriterSize(file, 1<<16)}, nil
}

// Event writes a line with the time of the call. Fields hold no tabs and no line breaks.
func (l *Log) Event(kind string, fields ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = append(l.line[:0], kind...)
	l.line = append(l.line, '\t')
	l.line = strconv.AppendInt(l.line, time.Now().UnixNano(), 10)
	for _, f := range fields {
		l.line = append(l.line, '\t')
		l.line = append(l.line, f...)
	}
	l.line = append(l.line, '\n')
	if _, err := l.w.Write(l.line); err != nil && l.err == nil {
		l.err = err
	}
}

// Flush brings what was written into the file, and reports the first error so far.
func (l *Log) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.w.Flush(); err != nil && l.err == nil {
		l.err = err
	}
	return l.err
}

// Close flushes and closes the file.
func (l *Log) Close() error {
	err := l.Flush()
	if closed := l.file.Close(); err == nil {
		err = closed
	}
	return err
}
