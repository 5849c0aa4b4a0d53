package driver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pushcore/pushcore/sdk/plugintest"
)

// server is the driver's side of the dialogue.
type server struct {
	devices map[uint64]chan<- command // by connection; owned by the reader
	running sync.WaitGroup

	mu  sync.Mutex // guards out and err
	out io.Writer
	err error // of writing
}

// Serve makes an executable of a driver: it reads commands from in until that ends,
// and says on out what comes of them. Lacks are the abilities that the protocol
// lacks. Devices that are left are cut off.
func Serve(d plugintest.Driver, lacks []plugintest.Ability, in io.Reader, out io.Writer) error {
	s := &server{devices: map[uint64]chan<- command{}, out: out}
	s.say(event{Event: "ready", Protocol: Protocol, Lacks: names(lacks)})
	err := s.read(in, func(c command) {
		if c.Do == "open" {
			s.open(d, c)
		} else if to := s.devices[c.Conn]; to != nil {
			to <- c
		} else {
			s.answer(&c, fmt.Errorf("there is no connection %d", c.Conn))
		}
	})
	for _, to := range s.devices {
		close(to)
	}
	s.running.Wait()
	return errors.Join(err, s.err)
}

func names(lacks []plugintest.Ability) []string {
	var list []string
	for _, a := range lacks {
		list = append(list, string(a))
	}
	return list
}

// read gives each command to do.
func (s *server) read(in io.Reader, do func(command)) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), lineMax)
	for lines.Scan() {
		var c command
		if err := strictly(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("a command that is none: %w: %s", err, clip(lines.Bytes()))
		}
		do(c)
	}
	return lines.Err()
}

func (s *server) say(e event) {
	line, err := encode(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.err == nil {
		_, err = s.out.Write(line)
	}
	s.err = errors.Join(s.err, err)
}

// answer answers a command that has nothing else to say.
func (s *server) answer(c *command, err error) {
	switch {
	case err == nil:
		s.say(event{Event: "done", N: c.N})
	case errors.Is(err, errors.ErrUnsupported):
		s.say(event{Event: "unsupported", N: c.N})
	default:
		s.say(event{Event: "failed", N: c.N, Error: err.Error()})
	}
}

// open opens a connection, which has a goroutine of its own from then on: what one
// device waits for holds up no other.
func (s *server) open(d plugintest.Driver, c command) {
	queue := make(chan command, 64)
	s.devices[c.Conn] = queue
	s.running.Go(func() {
		dial, err := c.dial()
		var device plugintest.Device
		if err == nil {
			device, err = d.Open(c.URL, dial, func(r plugintest.Report) { s.report(c.Conn, &r) })
		}
		s.answer(&c, err)
		for next := range queue {
			if err != nil {
				s.answer(&next, errors.New("the connection was not opened"))
				continue
			}
			s.answer(&next, next.apply(device))
		}
		if err == nil {
			_ = device.Cut() // It may be gone.
		}
	})
}

func (s *server) report(conn uint64, r *plugintest.Report) {
	e := event{
		Conn: conn, Resumed: r.Resumed, Retryable: r.Retryable, Gap: r.Gap, Code: r.Code, Seq: r.Seq,
		Epoch: r.Epoch, Position: r.Position, ID: r.ID, Name: r.Name, Group: r.Group, Text: r.Text,
	}
	for name, kind := range kinds {
		if kind == r.Kind {
			e.Event = name
		}
	}
	if r.Kind == plugintest.Pushed {
		e.payload = newPayload(r.Payload)
	}
	e.Token, e.TokenBase64 = newToken(r.Token)
	s.say(e)
}
