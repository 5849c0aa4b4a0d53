package dispatch

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pushcore/pushcore/core/admit"
)

func loopsIn(s admit.LoopSet) (loops []int) {
	for loop := s.Next(0); loop >= 0; loop = s.Next(loop + 1) {
		loops = append(loops, loop)
	}
	return loops
}

func TestTableKeepsALoopWhileAJoinIsOnItsWay(t *testing.T) {
	table := NewTable(3, nil)
	check := func(what string, want ...int) {
		t.Helper()
		if got := loopsIn(table.Members("g")); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: loops %v, want %v", what, got, want)
		}
	}
	check("nobody joined")
	table.Join("g", 1)
	table.Join("g", 2)
	check("two loops joined", 1, 2)
	table.Join("g", 1) // dispatched, while the loop reports that its member left
	table.Empty("g", 1, 1)
	check("a late report of emptiness", 1, 2)
	table.Empty("g", 1, 1)
	check("the loop saw the second join and its leaving", 2)
	table.Empty("g", 1, 5)
	table.Empty("h", 1, 1)
	table.Join("g", 1)
	check("reports of what is empty already take nothing back", 1, 2)
	table.Empty("g", 1, 1)
	table.Empty("g", 2, 1)
	check("all left")
	if table.Groups() != 0 {
		t.Error("an empty group is kept")
	}
}

// TestTableNeverLosesAMember plays a loop that joins, leaves and reports late against
// the table, with messages under way in both directions: whenever both have nothing
// under way, the table has the loop exactly if it has members; and it never lacks it
// when a message sent now would meet a member.
func TestTableNeverLosesAMember(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		table := NewTable(1, nil)
		var down []bool // joins and leaves by control, on their way to the loop
		var up []func() // reports on their way to the table
		members := 0    // of the loop: one by control, one by session, at most
		controlMember, sessionMember, routed := false, false, false
		joins := uint64(0) // since the last report of emptiness
		leave := func(member *bool) {
			if !*member {
				return
			}
			*member = false
			if members--; members == 0 {
				seen := joins
				joins, routed = 0, false
				up = append(up, func() { table.Empty("g", 0, seen) })
			}
		}
		step := func(what int) {
			switch what {
			case 0: // the backend joins or leaves
				join := random.IntN(2) == 0
				if join {
					table.Join("g", 0)
				}
				down = append(down, join)
			case 1: // the loop handles it
				if len(down) == 0 {
					return
				}
				join := down[0]
				down = down[1:]
				if !join {
					leave(&controlMember)
					return
				}
				joins++
				routed = true
				if !controlMember {
					controlMember = true
					members++
				}
			case 2: // a session joins
				if sessionMember {
					return
				}
				sessionMember = true
				members++
				if !routed {
					routed = true
					joins++
					up = append(up, func() { table.Join("g", 0) })
				}
			case 3:
				leave(&sessionMember)
			case 4: // the dispatcher handles a report
				if len(up) > 0 {
					up[0]()
					up = up[1:]
				}
			}
		}
		for range 200 {
			step(random.IntN(5))
			in := table.Members("g")
			if controlMember && !in.Has(0) {
				t.Fatalf("seed %d: a member by control is not routed to", seed)
			}
			if len(up) == 0 && members > 0 && !in.Has(0) {
				t.Fatalf("seed %d: a confirmed member is not routed to", seed)
			}
		}
		for len(down) > 0 || len(up) > 0 {
			step(1)
			step(4)
		}
		in := table.Members("g")
		if in.Has(0) != (members > 0) {
			t.Fatalf("seed %d: the loop has %d members, the table routes: %v", seed, members, in.Has(0))
		}
	}
}
