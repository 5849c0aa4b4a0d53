package check

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Event is a line of a log. Fields that a kind does not have are empty.
type Event struct {
	Kind    string
	At      time.Time
	Message Message // try, safe, refused
	ID      string
	Conn    string // of devices, as are the next four
	User    string
	Device  string
	Seq     uint64
	Payload string
	Detail  string // how, why, resumed, epoch, code, text, within
	Value   float64
	Line    string // as it stood there
}

// fieldsOf says how many fields follow kind and time.
var fieldsOf = map[string]int{
	"try": 4, "safe": 5, "refused": 5, "open": 5, "push": 6, "ack": 5, "mute": 5, "move": 4, "close": 4, "start": 0, "kill": 0, "books": 1, "note": 1,
}

// ParseEvent reads a line.
func ParseEvent(line string) (Event, error) {
	f := strings.Split(line, "\t")
	want, known := fieldsOf[f[0]]
	if !known || len(f) != 2+want {
		return Event{}, fmt.Errorf("not an event: %q", line)
	}
	nanos, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return Event{}, fmt.Errorf("time of %q: %w", line, err)
	}
	e := Event{Kind: f[0], At: time.Unix(0, nanos), Line: line}
	switch f = f[2:]; e.Kind {
	case "try", "safe", "refused":
		err = e.published(f)
	case "open", "move", "close":
		e.Conn, e.User, e.Device, e.Detail = f[0], f[1], f[2], strings.Join(f[3:], " ")
	case "push", "ack", "mute":
		err = e.received(f)
	case "books":
		e.Value, err = strconv.ParseFloat(f[0], 64)
	case "note":
		e.Detail = f[0]
	}
	if err != nil {
		return Event{}, fmt.Errorf("%q: %w", line, err)
	}
	return e, nil
}

func (e *Event) published(f []string) (err error) {
	e.Message.Source, e.Message.User, e.ID, e.Detail = f[0], f[1], f[3], strings.Join(f[4:], " ")
	e.Message.Number, err = strconv.Atoi(f[2])
	return err
}

func (e *Event) received(f []string) (err error) {
	e.Conn, e.User, e.Device, e.ID = f[0], f[1], f[2], f[4]
	if e.Seq, err = strconv.ParseUint(f[3], 10, 64); err == nil && e.Kind == "push" {
		e.Payload, err = strconv.Unquote(f[5])
	}
	return err
}
