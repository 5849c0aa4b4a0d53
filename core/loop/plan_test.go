package loop

import "testing"

func TestPlanKeepsProcsAboveLoops(t *testing.T) {
	for _, c := range []struct {
		cores, loops int
		want         string
	}{
		{1, 0, "1 loop on 1 core, GOMAXPROCS 2"},
		{2, 0, "1 loop on 2 cores, GOMAXPROCS 2"},
		{8, 0, "7 loops on 8 cores, GOMAXPROCS 8"},
		{8, 8, "8 loops on 8 cores, GOMAXPROCS 9"},
		{8, 2, "2 loops on 8 cores, GOMAXPROCS 8"},
	} {
		if got := NewPlan(c.cores, c.loops).String(); got != c.want {
			t.Errorf("%d cores, %d loops: %s, want %s", c.cores, c.loops, got, c.want)
		}
	}
}
