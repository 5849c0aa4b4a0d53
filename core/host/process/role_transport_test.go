package process

import (
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// The actor is a transport that nobody connects to.

var _ sdk.Transport = (*actor)(nil)

func (a *actor) Open(sdk.Host) ([]sdk.Endpoint, error) {
	return []sdk.Endpoint{{URL: "actor://stage"}}, nil
}

func (a *actor) Deliver(sdk.Loop, *sdk.Batch) {}

func (a *actor) Command(sdk.Loop, []sdk.Command) {}

func (a *actor) Flush(sdk.Loop) {}

// open configures, attaches and opens a plugin that was started.
func open(t *testing.T, p *Process) {
	t.Helper()
	if _, faults, err := p.Configure(t.Context(), []byte("{}")); err != nil || len(faults) > 0 {
		t.Fatal(faults, err)
	}
	if _, err := p.Attach(t.Context(), 1, time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
}
