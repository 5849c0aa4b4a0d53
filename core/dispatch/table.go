package dispatch

import "github.com/pushcore/pushcore/core/admit"

// Table says which loops an address concerns: the owner of a user, and the loops
// where a group has members.
//
// A loop is in a group's set while it has joins that no report of emptiness has
// taken back. A join is counted when an operation that joins is dispatched to the
// loop, or when the loop reports its first member, before it is confirmed; the
// loop's report of emptiness says how many of them it had seen. A join that was
// under way to the loop meanwhile is left over, and the loop stays in: what follows
// the join in its source must find the member.
type Table struct {
	loops  int
	owner  func(user string) int
	all    admit.LoopSet
	groups map[string]*route
}

// route is where one group has members.
type route struct {
	loops admit.LoopSet
	joins []uint64 // by loop: not taken back
}

// NewTable makes the table of a node with so many loops. owner gives the loop of a
// user.
func NewTable(loops int, owner func(user string) int) *Table {
	t := &Table{loops: loops, owner: owner, groups: map[string]*route{}}
	for loop := range loops {
		t.all.Add(loop)
	}
	return t
}

// Owner is the loop that owns a user.
func (t *Table) Owner(user string) int { return t.owner(user) }

// All is the set of all loops.
func (t *Table) All() admit.LoopSet { return t.all }

// Members is the set of loops where a group has members.
func (t *Table) Members(group string) admit.LoopSet {
	if r := t.groups[group]; r != nil {
		return r.loops
	}
	return admit.LoopSet{}
}

// Groups is the number of groups that have members.
func (t *Table) Groups() int { return len(t.groups) }

// Join counts a join of a loop.
func (t *Table) Join(group string, loop int) {
	r := t.groups[group]
	if r == nil {
		r = &route{joins: make([]uint64, t.loops)}
		t.groups[group] = r
	}
	r.joins[loop]++
	r.loops.Add(loop)
}

// Empty takes back the joins that a loop had seen when its last member of a group
// left. It tells whether the loop is out.
func (t *Table) Empty(group string, loop int, joins uint64) bool {
	r := t.groups[group]
	if r == nil || !r.loops.Has(loop) {
		return false
	}
	r.joins[loop] -= min(joins, r.joins[loop])
	if r.joins[loop] > 0 {
		return false
	}
	r.loops.Remove(loop)
	if r.loops.Empty() {
		delete(t.groups, group)
	}
	return true
}
