package dispatch

import (
	"fmt"
	"time"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// StateConfig is what State needs to know.
type StateConfig struct {
	Admit admit.Config
	Loops int                   // 1 to admit.LoopsMax
	Owner func(user string) int // the loop of a user, 0 to Loops-1

	// OutboundMax is how many inputs may wait for one loop before no further
	// record is taken; default 1,024. One record may pass it by one input.
	OutboundMax int

	// History is the rule for a group's history; nil: there is none.
	History func(group string) HistoryRule
}

const defaultOutboundMax = 1024

// Input is what State is told; see Handle.
type Input interface{ dispatchInput() }

// Assigned begins an epoch of a source.
type Assigned struct {
	Instance int
	Source   string
	Epoch    uint64
}

// Revoked ends it: its records are settled no more, and what of its batches was not
// taken never is.
type Revoked struct {
	Instance int
	Source   string
	Epoch    uint64
}

// Cancel takes a batch back, if nothing of it was taken.
type Cancel struct{ Batch *Batch }

// Published answers a letter.
type Published struct {
	Token  uint64
	Failed string // empty: the broker has it
	Final  bool   // it never will take it
}

// Stored brings answers of the store to what StoreOps asked.
type Stored struct{ Answers []store.Answer }

// StopIngress ends the taking of records: what was not taken is answered
// ErrStopped. Reports still lead to settlements.
type StopIngress struct{}

func (*Batch) dispatchInput()      {}
func (Assigned) dispatchInput()    {}
func (Revoked) dispatchInput()     {}
func (Cancel) dispatchInput()      {}
func (Published) dispatchInput()   {}
func (Stored) dispatchInput()      {}
func (StopIngress) dispatchInput() {}

// State is everything that the dispatcher knows. Its turn is
//
//	Handle…, Reports…      what came in
//	more := Run(now, n)    take records
//	StoreOps               submit to the store
//	Outbound, Posted       hand over to the loops
//	Effects, Finished      for the hosts; then ResetEffects
//
// One goroutine uses it.
type State struct {
	admit *admit.State
	table *Table
	split splitter

	histories histories

	lanes   []*lane // sources with batches that wait; the first is next in turn
	stopped bool

	ops      []store.Op         // to submit
	out      [][]envelope.Input // by loop: not yet posted
	outMax   int
	finished []Finished
}

// NewState makes the state of a node. It panics if cfg cannot be.
func NewState(cfg StateConfig) *State {
	if cfg.Loops < 1 || cfg.Loops > admit.LoopsMax {
		panic(fmt.Sprintf("dispatch: %d loops; a node has 1 to %d", cfg.Loops, admit.LoopsMax))
	}
	if cfg.OutboundMax == 0 {
		cfg.OutboundMax = defaultOutboundMax
	}
	table := NewTable(cfg.Loops, cfg.Owner)
	return &State{
		admit: admit.New(cfg.Admit),
		table: table,
		split: newSplitter(table),

		histories: newHistories(cfg.History),

		out:    make([][]envelope.Input, cfg.Loops),
		outMax: cfg.OutboundMax,
	}
}

// Admit is the admission within, for its Stats and Recall.
func (s *State) Admit() *admit.State { return s.admit }

// Table is the table of groups within.
func (s *State) Table() *Table { return s.table }

// Handle takes one input. A *Batch is an input as well: it waits in the order of its
// source until Run takes it.
func (s *State) Handle(now admit.Now, in Input) {
	switch in := in.(type) {
	case *Batch:
		s.enqueue(in)
	case Assigned:
		s.admit.Assigned(now, in.Instance, in.Source, in.Epoch)
		s.abandonRevoked()
	case Revoked:
		s.admit.Revoked(in.Instance, in.Source, in.Epoch)
		s.abandonRevoked()
	case Cancel:
		s.cancel(in.Batch)
	case Published:
		s.admit.Published(now, in.Token, in.Failed, in.Final)
	case Stored:
		s.storedAnswers(now, in.Answers)
	case StopIngress:
		s.stopped = true
		for _, l := range s.lanes {
			s.abandon(l, ErrStopped)
		}
		s.lanes = nil
	}
	s.carryOut()
}

// Reports takes what shards report. It keeps nothing of r.
func (s *State) Reports(now admit.Now, r []envelope.Report) {
	for i := range r {
		switch one := &r[i]; one.Kind {
		case envelope.ReportOwed:
			s.admit.Owed(one.Record, one.Loop, one.Pairs)
		case envelope.ReportSafe:
			if one.Acked {
				s.admit.Acked(one.Record)
			}
			s.admit.Safe(now, one.Record, one.Loop, one.How)
		case envelope.ReportGroupJoin:
			s.table.Join(one.Group, one.Loop)
			s.out[one.Loop] = append(s.out[one.Loop], &envelope.GroupConfirmed{
				Group: one.Group, Joins: one.Joins, Reached: s.histories.reached(now, one.Group)})
		case envelope.ReportGroupEmpty:
			s.table.Empty(one.Group, one.Loop, one.Joins)
		}
	}
	s.carryOut()
}

// Tick does what time asks for; Due says when it has something to do.
func (s *State) Tick(now admit.Now) {
	s.admit.Tick(now)
	s.histories.retry(now)
	s.carryOut()
}

// Due returns when Tick has something to do that cannot wait for the next turn.
func (s *State) Due() (at time.Duration, ok bool) {
	at, ok = s.admit.Due()
	if again, some := s.histories.next(); some && (!ok || again < at) {
		at, ok = again, true
	}
	return at, ok
}

// Effects is what admission wants done; see ResetEffects. Its StoreNow is among
// the inputs of the loops already.
func (s *State) Effects() *admit.Effects { return s.admit.Effects() }

// Finished are the batches that ended; see ResetEffects.
func (s *State) Finished() []Finished { return s.finished }

// ResetEffects empties Effects and Finished.
func (s *State) ResetEffects() {
	s.admit.Effects().Reset()
	clear(s.finished)
	s.finished = s.finished[:0]
}

// Outbound is what waits to be posted to a loop, in order. Posted takes it off.
func (s *State) Outbound(loop int) []envelope.Input { return s.out[loop] }

// Posted says that the first n inputs of Outbound are with the loop.
func (s *State) Posted(loop, n int) {
	rest := copy(s.out[loop], s.out[loop][n:])
	clear(s.out[loop][rest:])
	s.out[loop] = s.out[loop][:rest]
}

// StoreOps are the operations to submit to the store, before Outbound is posted: a
// shard that has seen a message may count on the store having been asked to keep it.
// Stored answers each. ResetStoreOps takes them off.
func (s *State) StoreOps() []store.Op { return s.ops }

// ResetStoreOps empties StoreOps.
func (s *State) ResetStoreOps() {
	clear(s.ops)
	s.ops = s.ops[:0]
}

// storedAnswers takes answers of the store.
func (s *State) storedAnswers(now admit.Now, answers []store.Answer) {
	for i := range answers {
		switch a := &answers[i]; a.Kind {
		case store.Append, store.Dissolve:
			if record, done := s.histories.answered(now, a); done {
				s.admit.Release(now, record)
			}
		case store.Remember:
			s.admit.Kept(now, envelope.RecordID(a.Token), a.Err != nil)
		}
	}
}

// carryOut turns what admission and histories want of the store and the shards into
// operations and inputs.
func (s *State) carryOut() {
	s.ops = append(s.ops, s.histories.ops...)
	clear(s.histories.ops)
	s.histories.ops = s.histories.ops[:0]
	s.rememberIDs()
	s.storeNow()
}

// rememberIDs has the store keep the ids of records that are safe.
func (s *State) rememberIDs() {
	e := s.admit.Effects()
	for i := range e.Remember {
		id := &e.Remember[i]
		s.ops = append(s.ops, store.Op{
			Kind: store.Remember, Loop: store.Dispatcher, Token: uint64(id.Record), Scope: id.Scope, ID: id.ID,
			Fingerprint: id.Fingerprint, How: id.How, Until: id.Until,
		})
	}
	clear(e.Remember)
	e.Remember = e.Remember[:0]
}

// storeNow turns admission's wish to have the oldest stored into inputs.
func (s *State) storeNow() {
	effects := s.admit.Effects()
	if effects.StoreNow == 0 {
		return
	}
	in := &envelope.StoreNow{UpTo: effects.StoreNow}
	effects.StoreNow = 0
	for loop := range s.out {
		s.out[loop] = append(s.out[loop], in)
	}
}
