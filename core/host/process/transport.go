package process

import (
	"errors"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// transport is what the loops call: each has its seat.
type transport struct {
	info  sdk.Info
	seats []*seat // by loop
}

var _ sdk.Transport = (*transport)(nil)

// Deliver implements sdk.Transport, as the following do.
func (t *transport) Deliver(l sdk.Loop, b *sdk.Batch) {
	if k := t.seats[l].link; k != nil {
		k.Deliver(b)
	}
}

func (t *transport) Command(l sdk.Loop, c []sdk.Command) {
	s := t.seats[l]
	switch {
	case s.held:
		s.commands = append(s.commands, c...)
	case s.link != nil:
		s.link.Command(c)
	}
}

func (t *transport) Flush(l sdk.Loop) {
	if k := t.seats[l].link; k != nil {
		k.Flush()
	}
}

// A port calls no more than these three; an instance has its own way to open and
// to close.

var errNotHere = errors.New("a plugin in a process of its own is opened by its instance")

func (t *transport) Info() sdk.Info { return t.info }

func (t *transport) Configure([]byte) (sdk.Setup, []sdk.OptionError) {
	return sdk.Setup{}, []sdk.OptionError{{Message: errNotHere.Error()}}
}

func (t *transport) Open(sdk.Host) ([]sdk.Endpoint, error) { return nil, errNotHere }

func (t *transport) Close(time.Time) error { return nil }
