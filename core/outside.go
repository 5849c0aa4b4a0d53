package core

import (
	"log/slog"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/host"
	"github.com/pushcore/pushcore/sdk"
)

// outside takes the effects of admission, on the dispatcher's goroutine.
type outside struct {
	brokers    []*host.Broker // by admission's index; nil for HTTP
	names      []string       // by admission's index
	pushes     *pushes
	egress     *host.Egress
	dispatcher func() *dispatch.Dispatcher
	log        *slog.Logger
}

var _ dispatch.Outside = (*outside)(nil)

// Settle tells who brought records what became of them.
func (o *outside) Settle(instance int, s []admit.Settled) {
	if instance == httpInstance {
		o.pushes.settled(s)
		return
	}
	o.brokers[instance].Settle(admit.Settlements(nil, s))
}

// Pause stops a source at a bound and says what it waits for.
func (o *outside) Pause(p admit.Pause) {
	if p.Instance == httpInstance {
		o.pushes.pause()
		return
	}
	o.log.Info("input paused at a bound", "plugin", o.names[p.Instance], "source", p.Source, "bound", p.Reason.String(),
		"waits_for", p.Waits.ID, "of", p.Waits.Source, "position", p.Waits.Position, "open_for", p.Waits.Age)
	o.brokers[p.Instance].Pause(p.Source)
}

// Resume starts it again.
func (o *outside) Resume(r admit.Resume) {
	if r.Instance == httpInstance {
		o.pushes.resume()
	} else {
		o.log.Info("input resumed", "plugin", o.names[r.Instance], "source", r.Source)
		o.brokers[r.Instance].Resume(r.Source)
	}
}

// Publish publishes dead letters of records.
func (o *outside) Publish(letters []admit.Letter) {
	for _, l := range letters {
		out := sdk.Outgoing{Output: sdk.OutputDeadLetter, Key: l.Key, Headers: l.Headers, Body: l.Body}
		token := l.Token
		o.egress.Publish(out, o.names[l.Instance], func(r sdk.PublishResult) {
			o.dispatcher().Published(token, r.Error, r.Final)
		})
	}
}

// Dead logs a record that was not taken. One of HTTP was answered.
func (o *outside) Dead(d admit.Dead) {
	if d.Instance == httpInstance {
		return
	}
	o.log.Warn("bad record", "plugin", o.names[d.Instance], "source", d.Source, "position", d.Position,
		"reason", d.Err.Reason.String(), "detail", d.Err.Error(), "dead_letter", d.Lettered)
}
