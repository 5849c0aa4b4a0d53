package shard_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/shard"
)

func TestMovesAreSharedByTheSessionsOfTheShards(t *testing.T) {
	for _, c := range []struct {
		name     string
		sessions []int
		rate     float64
		timeout  time.Duration
		want     []float64 // of each shard
		whole    float64
	}{
		{"as set", []int{100, 300}, 40, time.Minute, []float64{10, 30}, 40},
		{"raised to be done in four fifths of the time", []int{2000, 6000}, 40, 100 * time.Second, []float64{25, 75}, 100},
		{"just in time is not raised", []int{800}, 10, 100 * time.Second, []float64{10}, 10},
		{"all at once", []int{5, 5}, 0, time.Second, []float64{0, 0}, 0},
		{"nobody here", []int{0, 0}, 500, time.Minute, []float64{0, 0}, 500},
		{"a shard without sessions", []int{0, 10}, 500, time.Minute, []float64{0, 500}, 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			moves, whole := shard.PlanMoves(c.sessions, c.rate, c.timeout)
			if math.Abs(whole-c.whole) > 1e-9 {
				t.Errorf("the node's rate is %v, want %v", whole, c.whole)
			}
			for i, m := range moves {
				if math.Abs(m.Rate-c.want[i]) > 1e-9 {
					t.Errorf("shard %d moves %v a second, want %v", i, m.Rate, c.want[i])
				}
				if spent := c.timeout*4/5 + m.Busy + m.Within + m.Grace; m.Busy <= 0 || m.Within <= 0 || m.Grace <= 0 || spent >= c.timeout {
					t.Errorf("busy %v, within %v and grace %v leave no time of %v", m.Busy, m.Within, m.Grace, c.timeout)
				}
			}
		})
	}
}

// TestNodeIsEmptiedAtTheSetRate drains shards of uneven size side by side.
func TestNodeIsEmptiedAtTheSetRate(t *testing.T) {
	const rate = 100
	sessions := []int{100, 200, 500}
	moves, _ := shard.PlanMoves(sessions, rate, time.Minute)
	var perSecond [12]int
	for i, n := range sessions {
		s := newStage(t)
		for k := range n {
			s.do(fmt.Sprintf("connect c%d user=u%d device=d", k, k))
		}
		s.do("drain")
		s.do(fmt.Sprintf("move rate=%v within=%v grace=%v", moves[i].Rate, moves[i].Within, moves[i].Grace))
		began := s.passed
		s.out = s.out[:0]
		s.run(time.Duration(len(perSecond)) * time.Second)
		for _, line := range s.out {
			var at float64
			if _, err := fmt.Sscanf(line, "%f", &at); err == nil && strings.Contains(line, "asked to move") {
				perSecond[int(at-began.Seconds())]++
			}
		}
	}
	for second, n := range perSecond {
		if want := rate; second < 8 && (n < want*9/10 || n > want*11/10) || second >= 9 && n > 0 {
			t.Errorf("in second %d %d devices were sent away, want %d in each of 8 seconds", second, n, want)
		}
	}
}

func TestLeftOfAShardIsWhatAStopWaitsFor(t *testing.T) {
	s := newStage(t)
	s.do("connect a user=alice device=phone")
	s.do("store hold")
	s.do("push m1 to=user:alice")
	s.do("drain")
	check := func(when string, want shard.Left) {
		t.Helper()
		s.shard.Handle(&shard.Query{Kind: shard.QueryLeft})
		answers := s.shard.Effects().Answers
		if got := answers[len(answers)-1].Left; got != want {
			t.Errorf("%s: left %+v, want %+v", when, got, want)
		}
		s.apply()
	}
	check("before devices are sent away", shard.Left{Attached: 1, Sessions: 1})
	s.do("move")
	s.run(100 * time.Millisecond)
	check("while the store is asked", shard.Left{Storing: 1})
	s.do("store release")
	check("at the end", shard.Left{})
}
