package process

import (
	"errors"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// AloneMQ is an MQ plugin in a process of its own, for trials: a process that ends
// is a fault, see Discard.
type AloneMQ struct {
	alone
	open *MQ // nil: not open
}

var _ sdk.MQ = (*AloneMQ)(nil)

// NewAloneMQ makes an MQ plugin of a command.
func NewAloneMQ(c Config) *AloneMQ { return &AloneMQ{alone: alone{cfg: c}} }

// Open implements sdk.MQ, as the following do.
func (m *AloneMQ) Open(h sdk.MQHost) error {
	p, err := m.start()
	if err != nil {
		return err
	}
	open := NewMQ(&Plugin{cfg: m.cfg, options: m.options, proc: p}, p.Info(), m.setup, m.cfg.Log)
	if err := open.Open(h); err != nil {
		return err
	}
	m.open = open
	return nil
}

func (m *AloneMQ) Settle(s []sdk.Settlement) { m.open.Settle(s) }
func (m *AloneMQ) Publish(r []sdk.Outgoing)  { m.open.Publish(r) }
func (m *AloneMQ) Pause(source string)       { m.open.Pause(source) }
func (m *AloneMQ) Resume(source string)      { m.open.Resume(source) }

func (m *AloneMQ) Close(deadline time.Time) error {
	if m.open == nil {
		return m.broken()
	}
	if n := m.open.Restarts(); n > 0 {
		m.blame(fmt.Errorf("the plugin's process has ended by itself, %d times", n))
	} else if err := m.open.Check(); err != nil {
		m.blame(err)
	}
	m.closed = true
	return errors.Join(m.open.Close(deadline), m.broken())
}
