package node

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// broker plays an MQ plugin and the broker behind it: one source, and outputs that
// keep what is published.
type broker struct {
	host    sdk.MQHost
	settled chan sdk.Settlement
	taken   chan sdk.Outgoing
	closed  chan struct{}

	mu    sync.Mutex // guards the following
	away  bool       // refuse what is published
	holds bool       // answer nothing
	held  []sdk.Outgoing
}

var _ sdk.MQ = (*broker)(nil)

func newBroker() *broker {
	return &broker{settled: make(chan sdk.Settlement, 100), taken: make(chan sdk.Outgoing, 100), closed: make(chan struct{})}
}

// withBroker is listeners with an instance `mq` that has all outputs.
const withBroker = listeners + `
  mq: { use: fake, config: { outputs: [uplink, receipt, dead_letter] } }
`

const (
	source = "push/3"
	epoch  = 7
)

// Info implements sdk.Plugin.
func (b *broker) Info() sdk.Info {
	return sdk.Info{Name: "fake", Kind: sdk.KindMQ, Version: "1.0.0", APIVersion: sdk.APIVersion}
}

// Configure implements sdk.Plugin.
func (b *broker) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	var o struct{ Outputs []sdk.Output }
	if err := json.Unmarshal(options, &o); err != nil {
		return sdk.Setup{}, []sdk.OptionError{{Message: err.Error()}}
	}
	return sdk.Setup{Input: &sdk.InputOptions{Allow: []string{"push", "control"}}, Outputs: o.Outputs}, nil
}

// Open implements sdk.MQ.
func (b *broker) Open(h sdk.MQHost) error {
	b.host = h
	h.Status(true, "")
	h.Assigned(sdk.Source{Name: source, Epoch: epoch, StablePositions: true})
	return nil
}

// Settle implements sdk.MQ.
func (b *broker) Settle(s []sdk.Settlement) {
	for _, one := range s {
		b.settled <- one
	}
}

// Publish implements sdk.MQ.
func (b *broker) Publish(list []sdk.Outgoing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.take(list)
}

// set changes how the broker answers, and answers what was held.
func (b *broker) set(f func(b *broker)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b)
	held := b.held
	b.held = nil
	b.take(held)
}

// take answers what is published; the caller has the lock.
func (b *broker) take(list []sdk.Outgoing) {
	if b.holds {
		b.held = append(b.held, list...)
		return
	}
	for _, r := range list {
		if b.away {
			b.host.Published([]sdk.PublishResult{{ID: r.ID, Error: "the broker is away"}})
			continue
		}
		b.taken <- r
		b.host.Published([]sdk.PublishResult{{ID: r.ID}})
	}
}

// Pause implements sdk.MQ.
func (b *broker) Pause(string) {}

// Resume implements sdk.MQ.
func (b *broker) Resume(string) {}

// Close implements sdk.Plugin.
func (b *broker) Close(time.Time) error {
	close(b.closed)
	return nil
}

// closes waits until the node has closed the plugin.
func (b *broker) closes(t *testing.T) {
	t.Helper()
	select {
	case <-b.closed:
	case <-time.After(patience):
		t.Fatal("the plugin is not closed")
	}
}

// deliver hands one record to the node.
func (b *broker) deliver(t *testing.T, position uint64, body string, headers ...string) {
	t.Helper()
	r := sdk.Record{Position: position, Timestamp: time.Now(), Body: []byte(body), Key: []byte("key")}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, sdk.Header{Name: headers[i], Value: []byte(headers[i+1])})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.host.Batch(ctx, sdk.Records{Source: source, Epoch: epoch, Records: []sdk.Record{r}}); err != nil {
		t.Fatalf("record %d is not taken: %v", position, err)
	}
}

// settles waits until the node has settled exactly these positions next.
func (b *broker) settles(t *testing.T, outcome sdk.Outcome, positions ...uint64) {
	t.Helper()
	var got []uint64
	for len(got) < len(positions) {
		select {
		case s := <-b.settled:
			if s.Source != source || s.Epoch != epoch || s.Outcome != outcome {
				t.Fatalf("settled %+v, want outcome %d of %s in epoch %d", s, outcome, source, epoch)
			}
			got = append(got, s.Positions...)
		case <-time.After(patience):
			t.Fatalf("settled %v, want %v", got, positions)
		}
	}
	if slices.Sort(got); !slices.Equal(got, positions) {
		t.Fatalf("settled %v, want %v", got, positions)
	}
}

// unsettled says that nothing was settled so far.
func (b *broker) unsettled(t *testing.T) {
	t.Helper()
	select {
	case s := <-b.settled:
		t.Fatalf("settled too early: %+v", s)
	default:
	}
}

// published is the next record that the node publishes, which must be of an output.
func (b *broker) published(t *testing.T, output sdk.Output) sdk.Outgoing {
	t.Helper()
	select {
	case r := <-b.taken:
		if r.Output != output {
			t.Fatalf("published %s: %s %s, want %s", r.Output, r.Headers, r.Body, output)
		}
		return r
	case <-time.After(patience):
		t.Fatalf("no %s was published", output)
		return sdk.Outgoing{}
	}
}

// header is a header's value.
func header(r sdk.Outgoing, name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, name) {
			return string(h.Value)
		}
	}
	return ""
}
