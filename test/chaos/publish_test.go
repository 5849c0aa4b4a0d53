package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushcore/pushcore/test/chaos/check"
)

// source is a way to publish.
type source interface {
	// name is the source's in logs.
	name() string
	// plugin is its instance in the node's configuration; empty if it needs none.
	plugin() string
	// put publishes a message and returns when it is safe, saying how. It is safe for concurrent use; calls of one user come
	// one after another.
	put(ctx context.Context, m check.Message, id, body string) (how string, err error)
	// settled says whether, the node being gone, the broker would bring nothing of so many records again.
	settled(records int) bool
}

// load is what is published: each user's messages in order, all users side by side.
type load struct {
	first, users int
	each         int           // messages a user
	within       time.Duration // spread evenly; 0: as fast as it goes
	sizeMin      int           // of payloads; 0: 120 bytes
	sizeMax      int
	workers      int    // 0: 32
	runs         string // makes ids and sources of several loads differ
}

// publishing is a load under way.
type publishing struct {
	r      *rig
	source source
	load   load
	log    *check.Log
	wait   sync.WaitGroup
	ctx    context.Context
	cancel context.CancelFunc
	began  time.Time
	next   atomic.Int64 // message to be paced
	safe   atomic.Int64
	tries  atomic.Int64 // that were refused or failed
}

// putTimeout bounds one attempt; publishTimeout is when a publisher gives a load up.
const (
	putTimeout     = 20 * time.Second
	publishTimeout = 10 * time.Minute
	retryPause     = 100 * time.Millisecond
)

// publish begins to publish. The story waits by done.
func (r *rig) publish(s source, l load) *publishing {
	r.t.Helper()
	if l.workers == 0 {
		l.workers = min(32, l.users)
	}
	l.sizeMin = max(l.sizeMin, 120)
	p := &publishing{r: r, source: s, load: l, log: r.newLog("publish-" + s.name() + l.runs), began: time.Now()}
	p.ctx, p.cancel = context.WithTimeout(context.Background(), publishTimeout)
	for worker := range l.workers {
		random := rand.New(rand.NewPCG(r.random.Uint64(), uint64(worker)))
		p.wait.Go(func() { p.work(worker, random) })
	}
	r.t.Cleanup(func() {
		p.cancel()
		p.done()
	})
	return p
}

func (p *publishing) total() int { return p.load.users * p.load.each }

// done waits until all is safe.
func (p *publishing) done() {
	p.wait.Wait()
	if err := p.log.Flush(); err != nil {
		p.r.t.Error(err)
	}
}

// work publishes for every workers-th user.
func (p *publishing) work(worker int, random *rand.Rand) {
	for number := range p.load.each {
		for user := worker; user < p.load.users; user += p.load.workers {
			p.pace()
			size := p.load.sizeMin + random.IntN(max(p.load.sizeMax-p.load.sizeMin, 1))
			if !p.one(check.Message{Source: p.source.name() + p.load.runs, User: userName(p.load.first + user), Number: number}, size) {
				return
			}
		}
	}
}

// pace waits for the next message's time.
func (p *publishing) pace() {
	if p.load.within == 0 {
		return
	}
	at := p.began.Add(p.load.within * time.Duration(p.next.Add(1)-1) / time.Duration(p.total()))
	p.pause(time.Until(at))
}

func (p *publishing) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.ctx.Done():
	}
}

// one publishes a message until it is safe, always under one id; false when the publisher is to give up.
func (p *publishing) one(m check.Message, size int) bool {
	id := fmt.Sprintf("%s-%s-%d", m.Source, m.User, m.Number)
	body := check.Payload(m, id, size)
	fields := []string{m.Source, m.User, strconv.Itoa(m.Number), id}
	p.log.Event("try", fields...)
	for {
		ctx, cancel := context.WithTimeout(p.ctx, putTimeout)
		how, err := p.source.put(ctx, m, id, body)
		cancel()
		if err == nil {
			p.log.Event("safe", append(fields, how)...)
			p.safe.Add(1)
			return true
		}
		if p.ctx.Err() != nil {
			p.r.t.Errorf("publish %s: %v", id, err)
			return false
		}
		p.tries.Add(1)
		p.log.Event("refused", append(fields, tidy(err))...)
		p.pause(retryPause)
	}
}

// untilSettled ends the node, once the broker has forgotten all it had to.
func (r *rig) untilSettled(s source, records int) {
	r.t.Helper()
	idle := func() bool { return r.node.metric("pushcore_ingress_open_records") == 0 }
	if wait(30*time.Second, idle) != nil {
		r.t.Errorf("%v records are open though all messages were acked", r.node.metric("pushcore_ingress_open_records"))
	}
	r.pass(2 * time.Second) // Commits go by the second.
	r.node.end()
	if wait(30*time.Second, func() bool { return s.settled(records) }) != nil {
		r.t.Error("the broker still has records though all messages were acked")
	}
}
