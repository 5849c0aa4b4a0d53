package disk

// recent keeps what was used lately, between half of its bounds and all of them:
// in two generations, of which the older one goes when the younger one is full.
type recent[K comparable, V any] struct {
	countMax, bytesMax int

	young, old map[K]V
	bytes      int // of young
}

func newRecent[K comparable, V any](countMax, bytesMax int) recent[K, V] {
	return recent[K, V]{countMax: countMax / 2, bytesMax: bytesMax / 2, young: map[K]V{}}
}

// get returns the zero value for what is not kept.
func (r *recent[K, V]) get(key K) V {
	if v, ok := r.young[key]; ok {
		return v
	}
	return r.old[key]
}

func (r *recent[K, V]) add(key K, v V, bytes int) {
	if len(r.young) >= r.countMax || r.bytes+bytes > r.bytesMax {
		r.old, r.young, r.bytes = r.young, map[K]V{}, 0
	}
	r.young[key] = v
	r.bytes += bytes
}

func (r *recent[K, V]) clear() {
	r.old, r.young, r.bytes = nil, map[K]V{}, 0
}
