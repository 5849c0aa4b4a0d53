package driver

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/pushcore/pushcore/sdk/plugintest"
)

// line takes one line of the driver.
func (r *run) line(n int, line []byte) error {
	r.note("← ", line)
	err := r.flood(len(line))
	var e event
	if err == nil {
		e, err = parseEvent(line)
	}
	if err == nil {
		err = r.take(n, &e)
	}
	if err != nil {
		return fmt.Errorf("line %d of the driver: %w: %s", n, err, clip(line))
	}
	return nil
}

// flood bounds what a driver says in one trial.
func (r *run) flood(size int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines, r.bytes = r.lines+1, r.bytes+size
	if r.lines > linesMax || r.bytes > bytesMax {
		return fmt.Errorf("it says too much: more than %d lines or %d MiB in one trial", linesMax, bytesMax>>20)
	}
	return nil
}

// take gives an event to whom it concerns.
func (r *run) take(n int, e *event) error {
	switch {
	case n == 1 && e.Event != "ready":
		return errors.New(`the first event is "ready"`)
	case n == 1:
		r.ready = *e
		close(r.begun)
		return nil
	case e.Event == "ready":
		return errors.New(`a second "ready"`)
	case e.Conn != 0 || events[e.Event].needs[0] == "conn":
		return r.saw(e)
	}
	return r.answer(e)
}

// saw reports what a device saw.
func (r *run) saw(e *event) error {
	report, err := e.report()
	if err != nil {
		return err
	}
	r.mu.Lock()
	to, ended := r.conns[e.Conn], r.past[e.Conn]
	if report.Kind == plugintest.Closed && to != nil {
		delete(r.conns, e.Conn)
		r.past[e.Conn] = true
	}
	r.mu.Unlock()
	switch {
	case to != nil:
		to(report)
		return nil
	case ended:
		return fmt.Errorf("connection %d was closed before", e.Conn)
	}
	return fmt.Errorf("there is no connection %d", e.Conn)
}

// answer gives an answer to who waits for it.
func (r *run) answer(e *event) error {
	r.mu.Lock()
	answer := r.calls[e.N]
	delete(r.calls, e.N)
	r.mu.Unlock()
	if answer == nil {
		return fmt.Errorf("command %d waits for no answer", e.N)
	}
	answer <- *e
	return nil
}

// call sends a command and waits for its answer.
func (r *run) call(c command, patience time.Duration) (event, error) {
	answer := make(chan event, 1)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	if err := r.send(&c, answer, timer.C); err != nil {
		return event{}, err
	}
	select {
	case e := <-answer:
		return e, nil
	case <-r.done:
		return event{}, r.gone()
	case <-timer.C:
		r.blame(fmt.Errorf("the driver has not answered command %d, %s, within %s", c.N, c.Do, patience))
		<-r.done
		return event{}, r.gone()
	}
}

// send numbers a command and gives it to the writer.
func (r *run) send(c *command, answer chan event, late <-chan time.Time) error {
	r.mu.Lock()
	r.next++
	c.N = r.next
	line, err := encode(c)
	if err == nil && r.over {
		err = errors.New("the driver has ended")
	}
	if err != nil {
		r.mu.Unlock()
		return err
	}
	r.calls[c.N] = answer
	select { // Under the lock, for end closes the channel under it.
	case r.out <- line:
		r.addLocked("→ ", line)
		r.mu.Unlock()
		return nil
	default:
		r.mu.Unlock()
	}
	r.blame(fmt.Errorf("the driver does not read: %d commands wait for it", cap(r.out)))
	return r.gone()
}

// gone is why there is no answer.
func (r *run) gone() error {
	if err := r.broken(); err != nil {
		return err
	}
	return errors.New("the driver has ended")
}

// dialogueMax is how many lines of the dialogue are kept.
const dialogueMax = 24

// lately is the end of the dialogue with a driver. It is guarded by run.mu.
type lately struct{ said []string }

func (l *lately) addLocked(who string, line []byte) {
	if len(l.said) == 2*dialogueMax {
		l.said = append(l.said[:0], l.said[dialogueMax:]...)
	}
	l.said = append(l.said, who+clip(line))
}

func (r *run) note(who string, line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addLocked(who, line)
}

func (r *run) dialogue() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.said[max(len(r.said)-dialogueMax, 0):]...)
}

// clip is the beginning of a line, to be read by people.
func clip(line []byte) string {
	const most = 160
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	more := ""
	if len(line) > most {
		line, more = line[:most], "…"
	}
	control := func(c rune) bool { return c < ' ' || c == utf8.RuneError }
	if bytes.ContainsFunc(line, control) {
		return strconv.Quote(string(line)) + more
	}
	return string(line) + more
}
