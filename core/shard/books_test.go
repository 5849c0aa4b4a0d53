package shard

import (
	"testing"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// pending pushes a message that nobody acks, and returns its pair.
func (r *room) pending(t *testing.T) *session.Pair {
	t.Helper()
	acks := r.acks
	r.acks = make([]sdk.Event, len(acks)) // Events of no connection.
	defer func() { r.acks = acks }()
	r.push(wire.Address{Kind: wire.User, ID: "u0"}, sdk.Reliable, []byte("x"))
	for item := range r.slots[0].Window.All() {
		return item.Message
	}
	t.Fatal("nothing is in the window")
	return nil
}

func (r *room) wantDifference(t *testing.T, want int64) {
	t.Helper()
	if b := r.Books(); b.Difference() != want {
		t.Errorf("the difference is %d, want %d: %+v", b.Difference(), want, b)
	}
}

func TestBooksShowAPairThatIsLostWithoutAFate(t *testing.T) {
	r := newRoom(t, 1)
	p := r.pending(t)
	r.wantDifference(t, 0)
	r.takeOut(p)
	r.wantDifference(t, 1)
}

func TestBooksShowAFateThatIsCountedTwice(t *testing.T) {
	r := newRoom(t, 1)
	p := r.pending(t)
	r.conclude(p.Part, "u0", "d", envelope.Expired, envelope.NoReason, 0, false)
	r.wantDifference(t, -1)
}

func TestBooksShowAPairThatTheStoreHasLost(t *testing.T) {
	s, err := New(Config{Owner: func(string) int { return 0 }, Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	r := &room{Shard: s}
	s.Load(Now{}, []store.Carried{{User: "u0", Pairs: 3}}, 0)
	r.wantDifference(t, 0)
	s.Handle(&StoreAnswers{Answers: []store.Answer{{Kind: store.PutDevice, Held: 2}}})
	r.wantDifference(t, 1)
}

// answer answers what the store was asked, with its count.
func (r *room) answer(held int) {
	var some []store.Answer
	for i := range r.effects.Store {
		op := &r.effects.Store[i]
		some = append(some, store.Answer{Kind: op.Kind, Token: op.Token, User: op.User, Held: held})
	}
	r.Reset()
	r.Handle(&StoreAnswers{Answers: some})
}

func TestBooksAreExactWhileTheStoreWorks(t *testing.T) {
	r := newRoom(t, 1)
	p := r.pending(t)
	r.storeUpTo(r.record)
	r.wantDifference(t, 0) // The Put is under way.
	r.answer(1)
	r.wantDifference(t, 0) // It is in the store and in the window.
	r.takeOut(p)
	r.end(p, envelope.Acked, envelope.NoReason)
	r.wantDifference(t, 0) // It has ended, and the store counts it still.
	r.answer(0)
	r.wantDifference(t, 0)
	if h := r.Shard.Held(); h.Jobs+h.Removing != 0 || len(r.ghosts) != 0 {
		t.Errorf("left: %+v, %v", h, r.ghosts)
	}
}

func TestErasingCountsEachPairOnce(t *testing.T) {
	r := newRoom(t, 1)
	r.pending(t)
	r.storeUpTo(r.record)
	r.answer(1) // One in the window and in the store,
	r.pending(t)
	r.storeUpTo(r.record) // one in the window and on its way,
	r.pending(t)          // and one in the window only.
	r.Handle(&Query{Kind: QueryErase, User: "u0"})
	if len(r.effects.Answers) > 0 {
		t.Error("answered before it is stored")
	}
	r.answer(0)
	if got := r.effects.Answers[0].Count; got != 3 {
		t.Errorf("%d pairs ended, want 3", got)
	}
	r.wantDifference(t, 0)
}
