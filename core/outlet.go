package core

import (
	"time"

	"github.com/pushcore/pushcore/core/auth"
	"github.com/pushcore/pushcore/core/dispatch"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/host"
	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
)

// outlet takes the effects of the shards, on their loops. Nothing here blocks.
type outlet struct {
	dispatcher *dispatch.Dispatcher
	store      store.Store
	auth       *auth.Authenticator
	egress     *host.Egress
	fates      *fateExport
	refused    refusals
	queries    *queries
	loops      *loop.Set
}

var _ loop.Outlet = (*outlet)(nil)

func (o *outlet) Reports(r []envelope.Report) { o.dispatcher.Report(r) }
func (o *outlet) Store(ops []store.Op)        { o.store.Submit(ops) }
func (o *outlet) Auth(r []shard.AuthRequest)  { o.auth.Submit(r) }
func (o *outlet) Answers(a []shard.Answer)    { o.queries.answered(a) }
func (o *outlet) Fates(f []shard.Fate)        { o.fates.put(f) }
func (o *outlet) Room(int)                    { o.dispatcher.Space() }

// Publish takes records of shards to the broker, and the results back.
func (o *outlet) Publish(p []shard.Publish) {
	for i := range p {
		out := sdk.Outgoing{Output: p[i].Output, Key: p[i].Key, Headers: p[i].Headers, Body: p[i].Body}
		loop, token, output := p[i].Loop, p[i].Token, p[i].Output
		o.egress.Publish(out, p[i].Origin, func(r sdk.PublishResult) {
			if r.Final && r.Error != "" {
				o.refused.note(output, r.Error, time.Now())
			}
			o.answer(loop, &shard.Published{Results: []shard.PublishResult{{Token: token, Err: r.Error, Retryable: !r.Final}}})
		})
	}
}

// answer takes what a shard asked for to its loop, from any goroutine.
func (o *outlet) answer(loop int, in envelope.Input) {
	o.loops.Loop(loop).PostAnswers([]envelope.Input{in})
}
