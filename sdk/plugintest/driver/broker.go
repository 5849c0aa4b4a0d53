package driver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

// Broker makes a place of its own in the driver's broker. Options are what the
// user says of the broker, as a JSON object; the driver makes the plugin's of them.
func (p *Process) Broker(options []byte) (plugintest.Broker, error) {
	p.mu.Lock()
	p.places++
	number := p.places
	p.mu.Unlock()
	b := &place{process: p, number: number}
	e, err := p.call(command{Do: "place", Place: b.number, Options: options})
	if err == nil && (e.Event != "placed" || len(e.Sources) == 0) {
		err = fmt.Errorf("the driver answers place by %q with %d sources", e.Event, len(e.Sources))
	}
	if err != nil {
		return nil, err
	}
	b.options, b.sources = e.Options, e.Sources
	return b, nil
}

// place is a place that the process has made.
type place struct {
	process *Process
	number  uint64
	options []byte
	sources []string
}

var _ plugintest.Broker = (*place)(nil)

func (b *place) does(c command) error {
	c.Place = b.number
	return b.process.do(c)
}

func (b *place) Options() []byte   { return b.options }
func (b *place) Sources() []string { return b.sources }

func (b *place) Produce(source string, bodies ...[]byte) error {
	c := command{Do: "produce", Source: source}
	for _, body := range bodies {
		c.Records = append(c.Records, newPayload(body))
	}
	return b.does(c)
}

func (b *place) Waiting(source string) (int, error) {
	e, err := b.process.call(command{Do: "waiting", Place: b.number, Source: source})
	if err == nil && e.Event != "waiting" {
		err = fmt.Errorf("the driver answers waiting by %q", e.Event)
	}
	if err != nil {
		return 0, err
	}
	return *e.Count, nil
}

func (b *place) Published(o sdk.Output) (bodies [][]byte, err error) {
	e, err := b.process.call(command{Do: "published", Place: b.number, Output: string(o)})
	if err == nil && e.Event != "published" {
		err = fmt.Errorf("the driver answers published by %q", e.Event)
	}
	if err != nil || e.Records == nil {
		return nil, err
	}
	for _, r := range *e.Records {
		body, fault := r.bytes()
		bodies, err = append(bodies, body), errors.Join(err, fault)
	}
	return bodies, err
}

func (b *place) Cut() error      { return b.does(command{Do: "cut"}) }
func (b *place) Reassign() error { return b.does(command{Do: "reassign"}) }
func (b *place) Close() error    { return b.does(command{Do: "release"}) }

// ServeBroker makes an executable of what makes places in a broker, as Serve does
// of a driver. Contiguous is as in plugintest.MQSuite.
func ServeBroker(newPlace func(options []byte) (plugintest.Broker, error), contiguous bool, lacks []plugintest.Ability, in io.Reader, out io.Writer) error {
	s := &server{out: out}
	s.say(event{Event: "ready", Protocol: Protocol, Lacks: names(lacks), Contiguous: contiguous})
	places := map[uint64]plugintest.Broker{}
	err := s.read(in, func(c command) {
		if c.Do == "place" {
			b, err := newPlace(c.Options)
			if err != nil {
				s.answer(&c, err)
				return
			}
			places[c.Place] = b
			s.say(event{Event: "placed", N: c.N, Options: json.RawMessage(b.Options()), Sources: b.Sources()})
		} else if b := places[c.Place]; b != nil {
			s.serve(&c, b)
		} else {
			s.answer(&c, fmt.Errorf("there is no place %d", c.Place))
		}
	})
	return errors.Join(err, s.err)
}

// serve has a place do what the command says.
func (s *server) serve(c *command, b plugintest.Broker) {
	switch c.Do {
	case "produce":
		bodies := make([][]byte, len(c.Records))
		var err error
		for i, r := range c.Records {
			var fault error
			bodies[i], fault = r.bytes()
			err = errors.Join(err, fault)
		}
		if err == nil {
			err = b.Produce(c.Source, bodies...)
		}
		s.answer(c, err)
	case "waiting":
		n, err := b.Waiting(c.Source)
		if err != nil {
			s.answer(c, err)
			return
		}
		s.say(event{Event: "waiting", N: c.N, Count: &n})
	case "published":
		bodies, err := b.Published(sdk.Output(c.Output))
		if err != nil {
			s.answer(c, err)
			return
		}
		records := make([]payload, len(bodies))
		for i, body := range bodies {
			records[i] = newPayload(body)
		}
		s.say(event{Event: "published", N: c.N, Records: &records})
	case "cut":
		s.answer(c, b.Cut())
	case "reassign":
		s.answer(c, b.Reassign())
	case "release":
		s.answer(c, b.Close())
	default:
		s.answer(c, errors.ErrUnsupported)
	}
}
