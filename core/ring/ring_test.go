package ring

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected results in testdata")

const users = 100_000

func equal(n int) []Node {
	nodes := make([]Node, n)
	for i := range nodes {
		nodes[i] = Node{Name: fmt.Sprintf("loop-%d", i), Weight: 1}
	}
	return nodes
}

func build(t testing.TB, nodes []Node) *Ring {
	t.Helper()
	r, err := New(nodes)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// keys returns the keys of user-0, user-1, and so on.
var keys = sync.OnceValue(func() []string {
	keys := make([]string, users)
	for i := range keys {
		keys[i] = string(AppendKey(nil, "", fmt.Sprintf("user-%d", i)))
	}
	return keys
})

// owners returns the names of the owners of keys.
func owners(r *Ring, nodes []Node) []string {
	names := make([]string, users)
	for i, key := range keys() {
		names[i] = nodes[r.OwnerString(key)].Name
	}
	return names
}

func TestShareOfEachNodeIsNearItsWeight(t *testing.T) {
	cases := [][]Node{
		equal(1), equal(2), equal(3), equal(4), equal(8), equal(16), equal(64),
		{{"a", 1}, {"b", 2}, {"c", 5}},
		{{"a", 10}, {"b", 0}, {"c", 10}},
	}
	for _, nodes := range cases {
		r := build(t, nodes)
		count, weights := map[string]int{}, 0
		for _, name := range owners(r, nodes) {
			count[name]++
		}
		for _, n := range nodes {
			weights += n.Weight
		}
		worst := 0.0
		for _, n := range nodes {
			due := float64(users) * float64(n.Weight) / float64(weights)
			if due == 0 && count[n.Name] != 0 {
				t.Errorf("%v: node %s of weight 0 owns %d keys", nodes, n.Name, count[n.Name])
			}
			if due > 0 {
				worst = max(worst, math.Abs(float64(count[n.Name])-due)/due)
			}
		}
		t.Logf("%d nodes, weight %d: worst share is off by %.1f %%", len(nodes), weights, 100*worst)
		if worst > 0.12 {
			t.Errorf("%d nodes: a share is off by %.1f %%, more than 12", len(nodes), 100*worst)
		}
	}
}

func TestNewNodeTakesItsShareAndOnlyForItself(t *testing.T) {
	for _, n := range []int{1, 2, 4, 8, 16, 32} {
		before, after := equal(n), equal(n+1)
		was := owners(build(t, before), before)
		is := owners(build(t, after), after)
		moved := 0
		for i := range was {
			if was[i] == is[i] {
				continue
			}
			moved++
			if is[i] != after[n].Name {
				t.Fatalf("%d nodes and one more: key %d moved from %s to %s", n, i, was[i], is[i])
			}
		}
		due := float64(users) / float64(n+1)
		t.Logf("%d nodes and one more: %.2f %% moved, due %.2f %%", n, 100*float64(moved)/users, 100*due/users)
		if float64(moved) > 1.12*due {
			t.Errorf("%d nodes and one more: %d keys moved, due are %.0f", n, moved, due)
		}
	}
}

func TestRemovedNodeGivesAwayOnlyItsOwn(t *testing.T) {
	before := equal(8)
	after := slices.Delete(equal(8), 3, 4)
	was, is := owners(build(t, before), before), owners(build(t, after), after)
	for i := range was {
		if was[i] != is[i] && was[i] != "loop-3" {
			t.Fatalf("key %d moved from %s to %s, neither is the removed node", i, was[i], is[i])
		}
		if is[i] == "loop-3" {
			t.Fatalf("key %d is with the removed node", i)
		}
	}
}

func TestChangeOfAWeightMovesNothingBetweenOthers(t *testing.T) {
	before := []Node{{"a", 2}, {"b", 2}, {"c", 2}}
	after := []Node{{"a", 2}, {"b", 5}, {"c", 2}}
	was, is := owners(build(t, before), before), owners(build(t, after), after)
	for i := range was {
		if was[i] != is[i] && is[i] != "b" {
			t.Fatalf("key %d moved from %s to %s", i, was[i], is[i])
		}
	}
}

// Any ring agrees with the definition: the first point at or after the hash.
func TestOwnerIsTheFirstPointAtOrAfterTheHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringN(1, 8, -1), 1, 5, rapid.ID[string]).Draw(t, "names")
		nodes := make([]Node, len(names))
		for i, name := range names {
			nodes[i] = Node{name, rapid.IntRange(0, 2).Draw(t, "weight")}
		}
		nodes[0].Weight = 1
		r, err := New(nodes)
		if err != nil {
			t.Fatal(err)
		}
		points := allPoints(nodes)
		shuffled := rapid.Permutation(nodes).Draw(t, "shuffled")
		r2, err := New(shuffled)
		if err != nil {
			t.Fatal(err)
		}
		probe := func(hash uint64) {
			want := points[0].owner
			for _, p := range points {
				if p.hash >= hash {
					want = p.owner
					break
				}
			}
			if got := r.find(hash); got != int(want) {
				t.Fatalf("hash %#x: node %d, want %d", hash, got, want)
			}
			if nodes[r.find(hash)] != shuffled[r2.find(hash)] {
				t.Fatalf("hash %#x: the order of nodes matters", hash)
			}
		}
		for _, hash := range rapid.SliceOfN(rapid.Uint64(), 20, 20).Draw(t, "hashes") {
			probe(hash)
		}
		near := points[rapid.IntRange(0, len(points)-1).Draw(t, "near")].hash
		for _, hash := range []uint64{0, 1, math.MaxUint64, near - 1, near, near + 1, points[len(points)-1].hash + 1} {
			probe(hash)
		}
	})
}

func TestKeysOfDifferentUsersDiffer(t *testing.T) {
	pairs := [][2]string{{"", "ab"}, {"a", "b"}, {"ab", ""}, {"", "\x01ab"}, {"", ""}, {strings.Repeat("x", 255), "y"}}
	seen := map[string]bool{}
	for _, p := range pairs {
		key := string(AppendKey(nil, p[0], p[1]))
		if seen[key] {
			t.Errorf("%q has the key of another pair", p)
		}
		seen[key] = true
	}
}

func TestBytesAndStringHaveTheSameOwner(t *testing.T) {
	r := build(t, equal(7))
	for i := range 1000 {
		key := fmt.Sprintf("key-%d", i)
		if r.Owner([]byte(key)) != r.OwnerString(key) {
			t.Fatalf("%q has two owners", key)
		}
	}
}

// testdata/owners.txt holds owners as they have always been: nodes that run
// different builds must agree on them.
func TestOwnersStayTheSameInEveryBuild(t *testing.T) {
	const file = "testdata/owners.txt"
	var b strings.Builder
	b.WriteString("# nodes, tenant, user, owner; equal weights except for the last lines\n")
	weighted := []Node{{"small", 1}, {"large", 3}}
	for _, nodes := range [][]Node{equal(1), equal(2), equal(3), equal(7), equal(64), weighted} {
		r := build(t, nodes)
		for _, u := range [][2]string{{"", ""}, {"", "alice"}, {"", "bob"}, {"acme", "alice"}, {"", "Jürgen"}, {"", strings.Repeat("long", 63)}} {
			fmt.Fprintf(&b, "%d %q %q %s\n", len(nodes), u[0], u[1], nodes[r.Owner(AppendKey(nil, u[0], u[1]))].Name)
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("owners have changed:\n%s\nwant:\n%s", b.String(), want)
	}
}

func TestNewRefusesBadNodes(t *testing.T) {
	cases := []struct {
		name  string
		nodes []Node
	}{
		{"none", nil},
		{"no name", []Node{{"", 1}}},
		{"same name", []Node{{"a", 1}, {"b", 1}, {"a", 1}}},
		{"negative weight", []Node{{"a", 1}, {"b", -1}}},
		{"too heavy", []Node{{"a", WeightMax + 1}}},
		{"only weightless", []Node{{"a", 0}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(c.nodes); err == nil {
				t.Fatal("accepted")
			}
		})
	}
}

func TestOwnerDoesNotAllocate(t *testing.T) {
	r := build(t, equal(8))
	buf := make([]byte, 0, 600)
	owner := 0
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendKey(buf[:0], "", "some-user-id")
		owner += r.Owner(buf) + r.OwnerString("some-user-id")
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkOwner(b *testing.B) {
	for _, n := range []int{1, 4, 64} {
		b.Run(fmt.Sprintf("%d nodes", n), func(b *testing.B) {
			r := build(b, equal(n))
			keys := make([]string, 1<<12)
			for i := range keys {
				keys[i] = fmt.Sprintf("user-%d", i)
			}
			buf := make([]byte, 0, 64)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				buf = AppendKey(buf[:0], "", keys[i&(1<<12-1)])
				r.Owner(buf)
				i++
			}
		})
	}
}
