package plugintest

import "fmt"

// Bounds of a trace: its beginning and its end are kept.
const (
	traceHead = 20
	traceTail = 40
)

// trace is what happened, in lines.
type trace struct {
	head, tail []string
	left       int // lines between head and tail that are not kept
}

func (t *trace) add(line string) {
	if len(t.head) < traceHead {
		t.head = append(t.head, line)
		return
	}
	if len(t.tail) == 2*traceTail {
		t.left += traceTail
		t.tail = append(t.tail[:0], t.tail[traceTail:]...)
	}
	t.tail = append(t.tail, line)
}

func (t *trace) lines() []string {
	lines := append([]string(nil), t.head...)
	if t.left > 0 {
		lines = append(lines, fmt.Sprintf("… %d lines left out …", t.left))
	}
	return append(lines, t.tail...)
}
