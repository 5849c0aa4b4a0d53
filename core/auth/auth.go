// Package auth says who a device is: it takes the credentials of a CONNECT or
// REFRESH and answers with an identity or a close code. It stands beside the
// loops: a loop submits requests and goes on; what is cheap is answered at once,
// signatures of asymmetric keys and calls to the backend are made on bounded
// pools, never on a loop. The answer returns through the loop's mailbox.
package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Config says how devices prove who they are. Methods are tried in the order of
// the fields: a bearer token that names a configured issuer is a JWT, one whose
// hash is listed is static, the rest goes to the callback; None comes last.
type Config struct {
	JWT      []Issuer
	Static   []Static
	Callback *Callback
	None     bool          // whoever asks is who he says he is; for loopback only
	Leeway   time.Duration // tolerated clock difference for exp and nbf; default 30 s

	Workers  int          // goroutines that check signatures; default 2
	QueueMax int          // requests waiting for them; beyond it devices are told to come back; default 4096
	HTTP     *http.Client // for key servers and the callback; default: one of its own, so that nobody else's calls hold its connections
	Now      func() time.Time
	Log      *slog.Logger
}

// Static is one token known by its SHA-256.
type Static struct {
	SHA256                 [sha256.Size]byte
	User, Device, Platform string
	Groups                 []string
}

// Answer takes a result to the loop that asked; it must not block.
type Answer func(loop int, r *shard.AuthResult)

// Authenticator answers authentication requests.
type Authenticator struct {
	cfg    Config
	answer Answer
	static map[[sha256.Size]byte]*Static
	jwt    *jwtVerifier

	signatures *pool
	callbacks  *pool
	stop       context.CancelFunc
}

// New prepares the methods of cfg and starts its pools. Keys that cannot be read
// are an error; a key server that cannot be reached is not: until it can,
// devices are told to come back.
func New(cfg Config, answer Answer) (*Authenticator, error) {
	cfg.setDefaults()
	ctx, stop := context.WithCancel(context.Background())
	v, err := newJWTVerifier(ctx, cfg)
	if err != nil {
		stop()
		return nil, err
	}
	a := &Authenticator{cfg: cfg, answer: answer, jwt: v, stop: stop,
		static: make(map[[sha256.Size]byte]*Static, len(cfg.Static))}
	for i := range cfg.Static {
		a.static[cfg.Static[i].SHA256] = &cfg.Static[i]
	}
	a.signatures = newPool(ctx, cfg.Workers, cfg.QueueMax)
	if cfg.Callback != nil {
		a.callbacks = newPool(ctx, cfg.Callback.Concurrency, cfg.QueueMax)
	}
	return a, nil
}

func (c *Config) setDefaults() {
	if c.Leeway == 0 {
		c.Leeway = 30 * time.Second
	}
	if c.Workers == 0 {
		c.Workers = 2
	}
	if c.QueueMax == 0 {
		c.QueueMax = 4096
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Callback != nil {
		c.Callback.setDefaults()
	}
	if c.HTTP == nil {
		c.HTTP = newClient(c.Callback)
	}
}

// newClient makes a client that keeps a connection for each call that the callback
// may have under way.
func newClient(c *Callback) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if c != nil {
		t.MaxIdleConnsPerHost = c.Concurrency
	}
	return &http.Client{Transport: t}
}

// Submit answers requests, now or later. It may be called from any goroutine and
// never blocks.
func (a *Authenticator) Submit(reqs []shard.AuthRequest) {
	for i := range reqs {
		a.submit(reqs[i])
	}
}

// Close ends the pools; requests under way may stay unanswered.
func (a *Authenticator) Close() {
	a.stop()
	a.signatures.wait()
	if a.callbacks != nil {
		a.callbacks.wait()
	}
	a.cfg.HTTP.CloseIdleConnections()
}

// submit runs on a loop: it looks at no more of a token than its form.
func (a *Authenticator) submit(r shard.AuthRequest) {
	if !a.jwt.mayBeOurs(r.Connect.Credentials.Token) {
		a.submitOther(r)
		return
	}
	a.queue(a.signatures, r, func(context.Context) { a.checkToken(r) })
}

// checkToken reads and verifies what looks like a JWT, on a worker.
func (a *Authenticator) checkToken(r shard.AuthRequest) {
	token := r.Connect.Credentials.Token
	issuer := a.jwt.issuerOf(token)
	if issuer == nil {
		a.submitOther(r)
		return
	}
	id, err := a.jwt.verify(issuer, token)
	a.reply(&r, id, err)
}

// submitOther asks the methods besides JWT.
func (a *Authenticator) submitOther(r shard.AuthRequest) {
	cred := &r.Connect.Credentials
	token := cred.Token
	switch {
	case token != "" && a.static[sha256.Sum256([]byte(token))] != nil:
		a.reply(&r, a.static[sha256.Sum256([]byte(token))].identity(), nil)
	case a.cfg.Callback != nil:
		a.queue(a.callbacks, r, func(ctx context.Context) {
			id, err := a.cfg.Callback.ask(ctx, a.cfg.HTTP, r.Connect)
			a.reply(&r, id, err)
		})
	case a.cfg.None:
		a.reply(&r, Identity{}, nil)
	case cred.Kind == sdk.CredentialNone:
		a.reply(&r, Identity{}, refuse(wire.CodeUnauthorized, "credentials are required"))
	default:
		a.reply(&r, Identity{}, refuse(wire.CodeUnauthorized, "credentials are not valid"))
	}
}

func (a *Authenticator) queue(p *pool, r shard.AuthRequest, check func(context.Context)) {
	if !p.do(check) {
		a.reply(&r, Identity{}, refuse(wire.CodeOverloaded, "too many logins at once"))
	}
}

func (a *Authenticator) reply(r *shard.AuthRequest, id Identity, err error) {
	res := &shard.AuthResult{Plugin: r.Plugin, Conn: r.Conn, Refresh: r.Refresh}
	if err == nil {
		id, err = id.claimedBy(r)
	}
	if err != nil {
		res.Code, res.Text = refusalOf(err, a.cfg.Log)
	} else {
		res.User, res.Device, res.Platform = id.User, id.Device, id.Platform
		res.Groups, res.Expires = id.Groups, id.Expires
	}
	a.answer(r.Loop, res)
}

func (s *Static) identity() Identity {
	return Identity{User: s.User, Device: s.Device, Platform: s.Platform, Groups: s.Groups}
}

// pool runs tasks on a fixed number of goroutines behind a bounded queue.
type pool struct {
	ctx   context.Context
	tasks chan func(context.Context)
	done  sync.WaitGroup
}

func newPool(ctx context.Context, workers, queueMax int) *pool {
	p := &pool{ctx: ctx, tasks: make(chan func(context.Context), queueMax)}
	for range workers {
		p.done.Go(p.work)
	}
	return p
}

// do queues a task; false means the queue is full.
func (p *pool) do(task func(context.Context)) bool {
	select {
	case p.tasks <- task:
		return true
	default:
		return false
	}
}

func (p *pool) work() {
	for {
		select {
		case <-p.ctx.Done():
			return
		case task := <-p.tasks:
			task(p.ctx)
		}
	}
}

func (p *pool) wait() { p.done.Wait() }

// refusal is an answer that is no: a close code for the device.
type refusal struct {
	code uint16
	text string
}

func (r refusal) Error() string { return fmt.Sprintf("%d: %s", r.code, r.text) }

func refuse(code wire.Code, text string) error { return refusal{uint16(code), text} }
