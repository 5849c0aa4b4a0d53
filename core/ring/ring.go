package ring

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// WeightMax is the largest weight of a node.
const WeightMax = 256

// pointsPerWeight is the number of points of a node of weight 1. The share of
// a node strays from its due by about 1/sqrt(points): with 1024 points by 3 %,
// for 12 KiB of table a node. See TestShareOfEachNodeIsNearItsWeight.
const pointsPerWeight = 1024

// Node is a place that owns a part of the keys.
type Node struct {
	Name   string // unique and stable: the points of a node derive from it alone
	Weight int    // share relative to the others, 0 (owns nothing) to WeightMax
}

// Ring maps keys to nodes by consistent hashing: every node puts points on a
// circle of 64-bit hashes, as many as it weighs, and a key belongs to the
// first point at or after its own hash. A node that comes takes keys only for
// itself, a node that goes gives away only its own.
//
// The method is that of Karger et al., "Consistent Hashing and Random Trees"
// (STOC 1997), with many points per node as in libketama; points and keys are
// hashed by xxHash64 with seed 0.
//
// A Ring is immutable and safe for concurrent use.
type Ring struct {
	hashes []uint64 // of the points, ascending
	owners []int32  // owners[i]: node of hashes[i]

	// first[p] is the first point whose hash is not below p<<shift. There are
	// about as many prefixes as points, so a look-up is one step into the table
	// and on average one further point, however large the ring is.
	first []uint32
	shift uint8
}

// New builds a ring. Owner's results index nodes. Order does not matter: a key
// stays with the node of a name wherever that stands in the slice.
func New(nodes []Node) (*Ring, error) {
	if err := validate(nodes); err != nil {
		return nil, err
	}
	points := allPoints(nodes)
	r := &Ring{
		hashes: make([]uint64, len(points)),
		owners: make([]int32, len(points)),
	}
	for i, p := range points {
		r.hashes[i], r.owners[i] = p.hash, p.owner
	}
	r.index()
	return r, nil
}

// Owner returns the index of the node that owns a key. See AppendKey for the
// key of a user.
func (r *Ring) Owner(key []byte) int { return r.find(xxhash.Sum64(key)) }

// OwnerString is Owner for a string.
func (r *Ring) OwnerString(key string) int { return r.find(xxhash.Sum64String(key)) }

func (r *Ring) find(hash uint64) int {
	i := int(r.first[hash>>r.shift])
	for i < len(r.hashes) && r.hashes[i] < hash {
		i++
	}
	if i == len(r.hashes) {
		i = 0 // past the last point the circle begins anew
	}
	return int(r.owners[i])
}

// index fills the table of prefixes.
func (r *Ring) index() {
	prefixBits := bits.Len(uint(len(r.hashes)))
	r.shift = uint8(64 - prefixBits)
	r.first = make([]uint32, 1<<prefixBits)
	point := 0
	for p := range r.first {
		for point < len(r.hashes) && r.hashes[point] < uint64(p)<<r.shift {
			point++
		}
		r.first[p] = uint32(point)
	}
}

type point struct {
	hash  uint64
	owner int32
}

// allPoints returns the points of all nodes by hash. Where two nodes have the
// same point, the name decides, since the place in nodes must not.
func allPoints(nodes []Node) []point {
	var points []point
	var label []byte
	for i, n := range nodes {
		for replica := range n.Weight * pointsPerWeight {
			label = appendLabel(label[:0], n.Name, replica)
			points = append(points, point{xxhash.Sum64(label), int32(i)})
		}
	}
	slices.SortFunc(points, func(a, b point) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		return cmp.Compare(nodes[a.owner].Name, nodes[b.owner].Name)
	})
	return points
}

func validate(nodes []Node) error {
	total := 0
	for i, n := range nodes {
		if n.Name == "" {
			return fmt.Errorf("ring: node %d has no name", i)
		}
		if n.Weight < 0 || n.Weight > WeightMax {
			return fmt.Errorf("ring: node %q: weight %d is not between 0 and %d", n.Name, n.Weight, WeightMax)
		}
		if slices.ContainsFunc(nodes[:i], func(o Node) bool { return o.Name == n.Name }) {
			return fmt.Errorf("ring: two nodes are named %q", n.Name)
		}
		total += n.Weight
	}
	if total == 0 {
		return errors.New("ring: no node has a weight above 0")
	}
	return nil
}
