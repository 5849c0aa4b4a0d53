package memory

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// Nobody asks the engine anything here: its own timer ends what has expired.
func TestGoroutineEndsWhatHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan store.Pair, 2)
		s := Open(Config{Owner: func(string) int { return 3 }, Sink: func(loop int, a []store.Answer) {
			for _, one := range a {
				for _, p := range one.Removed {
					if loop != 3 {
						t.Errorf("told loop %d", loop)
					}
					ended <- p
				}
			}
		}})
		s.Start()
		begin := time.Now()
		op := putOne(1, 0)
		op.Message.ExpiresAt, op.Until = begin.Add(3*time.Hour), begin.Add(2*time.Hour)
		s.Submit([]store.Op{op})
		p := <-ended
		if took := time.Since(begin); took < 2*time.Hour || took > 2*time.Hour+time.Second || p.Reason != envelope.MemoryWait {
			t.Errorf("ended after %v as %v %v", took, p.Fate, p.Reason)
		}
		if err := s.Close(); err != nil || s.Census() != 0 {
			t.Errorf("Close: %v, census %d", err, s.Census())
		}
	})
}

func TestCloseAnswersWhatWasSubmitted(t *testing.T) {
	answers := 0
	s := Open(Config{Owner: func(string) int { return 0 }, Sink: func(_ int, a []store.Answer) { answers += len(a) }})
	s.Start()
	for order := uint64(1); order <= 1000; order++ {
		s.Submit([]store.Op{putOne(order, 0)})
	}
	if err := s.Close(); err != nil || answers != 1000 {
		t.Errorf("Close: %v, %d answers of 1000", err, answers)
	}
	s.Submit([]store.Op{putOne(1, 0)})
	if s.Census() != 1000 {
		t.Errorf("after Close the census is %d", s.Census())
	}
}
