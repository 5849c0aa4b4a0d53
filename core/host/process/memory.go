package process

import (
	"fmt"
	"strconv"
)

// memoryGoal is what a Go plugin is asked to stay below: a little under the bound,
// so that its collector works harder before it is killed.
func memoryGoal(memoryMax int64) string { return strconv.FormatInt(memoryMax/10*9, 10) }

// boundMemory kills a process that has more memory than it may.
func (p *Process) boundMemory() {
	if p.cfg.MemoryMax <= 0 {
		return
	}
	if used := resident(p.child.id()); used > p.cfg.MemoryMax {
		p.child.kill(fmt.Sprintf("it used %s of memory, limits.memory is %s", mebibytes(used), mebibytes(p.cfg.MemoryMax)))
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
