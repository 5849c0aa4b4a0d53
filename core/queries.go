package core

import (
	"context"
	"sync"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/loop"
	"github.com/pushcore/pushcore/core/shard"
)

// queries asks shards on behalf of operators and metrics.
type queries struct {
	loops *loop.Set

	mu      sync.Mutex // guards token and waiting
	token   uint64
	waiting map[uint64]chan<- shard.Answer
}

func newQueries() *queries { return &queries{waiting: map[uint64]chan<- shard.Answer{}} }

// ask asks the given loops and gathers their answers, in the order in which they
// come.
func (q *queries) ask(ctx context.Context, what shard.Query, loops ...int) ([]shard.Answer, error) {
	answers := make(chan shard.Answer, len(loops))
	tokens := make([]uint64, len(loops))
	for i, l := range loops {
		one := what
		one.Token = q.register(answers)
		tokens[i] = one.Token
		q.loops.Loop(l).PostAnswers([]envelope.Input{&one})
	}
	defer q.forget(tokens)
	var out []shard.Answer
	for range loops {
		select {
		case a := <-answers:
			out = append(out, a)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return out, nil
}

// all asks every loop.
func (q *queries) all(ctx context.Context, what shard.Query) ([]shard.Answer, error) {
	loops := make([]int, q.loops.Len())
	for i := range loops {
		loops[i] = i
	}
	return q.ask(ctx, what, loops...)
}

func (q *queries) register(to chan<- shard.Answer) uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.token++
	q.waiting[q.token] = to
	return q.token
}

func (q *queries) forget(tokens []uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range tokens {
		delete(q.waiting, t)
	}
}

// answered takes answers, on a loop; each channel has room for all it waits for.
func (q *queries) answered(list []shard.Answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, a := range list {
		if to := q.waiting[a.Token]; to != nil {
			to <- a
		}
	}
}
