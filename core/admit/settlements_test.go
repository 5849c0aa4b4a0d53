package admit

import (
	"fmt"
	"testing"

	"github.com/pushcore/pushcore/sdk"
)

func TestSettlementsAreAscendingBySourceEpochAndOutcome(t *testing.T) {
	got := Settlements(nil, []Settled{
		{Source: "b", Epoch: 1, Position: 9}, {Source: "a", Epoch: 2, Position: 5}, {Source: "a", Epoch: 2, Position: 3},
		{Source: "a", Epoch: 2, Position: 4, Outcome: sdk.Dead}, {Source: "a", Epoch: 1, Position: 7}, {Source: "b", Epoch: 1, Position: 8},
	})
	want := "[{a 1 0 [7]} {a 2 0 [3 5]} {a 2 2 [4]} {b 1 0 [8 9]}]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v\nwant %s", got, want)
	}
	got[0].Positions = append(got[0].Positions, 99)
	if got[1].Positions[0] != 3 {
		t.Error("appending to one settlement changes another")
	}
	if got := Settlements(nil, nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestLoopSet(t *testing.T) {
	var s LoopSet
	if !s.Empty() || s.Next(0) != -1 || s.Has(-1) || s.Has(LoopsMax) {
		t.Error("the zero set is not empty")
	}
	loops := []int{0, 1, 63, 64, 130, LoopsMax - 1}
	for _, loop := range loops {
		s.Add(loop)
	}
	var got []int
	for loop := s.Next(0); loop >= 0; loop = s.Next(loop + 1) {
		got = append(got, loop)
	}
	if fmt.Sprint(got) != fmt.Sprint(loops) || s.Len() != len(loops) {
		t.Errorf("got %v, %d loops; want %v", got, s.Len(), loops)
	}
	s.Remove(64)
	if s.Has(64) || !s.Has(63) || s.Next(64) != 130 {
		t.Error("Remove takes out something else")
	}
}
