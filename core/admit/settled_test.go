package admit

import (
	"fmt"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
)

func TestSettledIDsAreFoundForTheirTime(t *testing.T) {
	s := newSettledIDs(time.Minute, 1000)
	for i := range 500 {
		s.add(time.Duration(i)*time.Second, time.Minute, fmt.Sprint("id", i), uint64(i), envelope.HowStored)
	}
	if s.len() != 60 || s.early != 0 {
		t.Errorf("%d ids are kept of the last minute's 60, %d forgotten early", s.len(), s.early)
	}
	now := 500 * time.Second // nobody asked to expire anything since
	for i := range 500 {
		got, ok := s.find(now, fmt.Sprint("id", i))
		if want := i > 440; ok != want || ok && (got.fingerprint != uint64(i) || got.how != envelope.HowStored) {
			t.Fatalf("id%d: found %v as %+v, want %v", i, ok, got, want)
		}
	}
}

func TestRecalledIDsKeepTheRestOfTheirTime(t *testing.T) {
	s := New(Config{Instances: []Instance{{Name: "orders"}}, DedupeWindow: time.Hour})
	at := func(d time.Duration) Now { return Now{Mono: d, Wall: wall.Add(d)} }
	s.Recall(at(0), Remembered{ID: "old", Fingerprint: 7}, 10*time.Minute)
	s.Recall(at(0), Remembered{ID: "old", Fingerprint: 8}, 20*time.Minute) // twice in what was kept: the later counts
	s.Recall(at(0), Remembered{ID: "gone"}, 0)
	ids := &s.instances[0].settled
	if got, ok := ids.find(0, "old"); !ok || got.fingerprint != 8 {
		t.Errorf("old is %+v, %v", got, ok)
	}
	if _, ok := ids.find(0, "gone"); ok {
		t.Error("an id without time left is remembered")
	}
	s.Tick(at(15 * time.Minute))
	if _, ok := ids.find(15*time.Minute, "old"); !ok || ids.len() != 1 {
		t.Error("the later of two is forgotten with the earlier")
	}
	s.Tick(at(20 * time.Minute))
	if _, ok := ids.find(20*time.Minute, "old"); ok || ids.len() != 0 || len(ids.places) != 0 {
		t.Error("an id outlives its time")
	}
}

func TestWithoutAWindowNothingIsRemembered(t *testing.T) {
	s := New(Config{Instances: []Instance{{Name: "orders"}}, DedupeWindow: -1})
	s.Recall(Now{}, Remembered{ID: "a"}, s.instances[0].settled.window)
	if s.instances[0].settled.len() != 0 {
		t.Error("an id is remembered")
	}
}
