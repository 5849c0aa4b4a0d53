package loop

import "fmt"

// Plan says how many loops a node runs and on how many Ps.
type Plan struct {
	Cores int // that the process may use
	Loops int
	Procs int // GOMAXPROCS
}

// NewPlan plans for the cores the process may use (runtime.GOMAXPROCS(0) before
// it is changed knows a container's limit) and the configured number of loops, 0
// for the default: one less than the cores, at least one, so that dispatcher,
// brokers' clients and the collector have a core.
//
// Procs is above the number of loops: a busy loop makes raw system calls and
// keeps its P until it is preempted, which takes 10 ms; with as many loops as Ps
// everything beside the loops would wait for that.
func NewPlan(cores, loops int) Plan {
	if loops <= 0 {
		loops = max(cores-1, 1)
	}
	return Plan{Cores: cores, Loops: loops, Procs: max(cores, loops+1)}
}

// String is the line that a node prints when it starts.
func (p Plan) String() string {
	return fmt.Sprintf("%s on %s, GOMAXPROCS %d", count(p.Loops, "loop"), count(p.Cores, "core"), p.Procs)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
