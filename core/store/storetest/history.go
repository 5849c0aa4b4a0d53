package storetest

import (
	"reflect"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk/wire"
)

// keep is an Append behind the position before it.
func keep(position, after uint64, id string, change ...func(*envelope.Message)) store.Op {
	return store.Op{
		Kind: store.Append, Loop: store.Dispatcher, Group: "g", Message: message(id, change...), Order: position, After: after,
		Limit: store.Limit{Messages: 4},
	}
}

func replay(after uint64) store.Op { return store.Op{Kind: store.Replay, Group: "g", Order: after} }

// replayed compares what is read of a history, as "position id …, first".
func (b *bench) replayed(rule string, a store.Answer, more bool, first uint64, want string) {
	b.t.Helper()
	if want != "" {
		want = strings.ReplaceAll(want, ";", " ×0;") + " ×0"
	}
	b.paged(rule, a, more, want)
	if a.First != first {
		b.t.Fatalf("%s: first %d, want %d", rule, a.First, first)
	}
}

func historyIsReadFromAPosition(b *bench) {
	b.replayed("a group without a history", b.do(replay(0)), false, 0, "")
	before := uint64(0)
	for i, id := range []string{"a", "b", "c", "d", "e"} {
		position := uint64(10 + i)
		b.do(keep(position, before, id))
		before = position
	}
	b.replayed("the newest by count", b.do(replay(0)), false, 11, "11 b; 12 c; 13 d; 14 e")
	b.replayed("behind a position", b.do(replay(12)), false, 11, "13 d; 14 e")
	b.replayed("behind the last", b.do(replay(14)), false, 11, "")
	bounded := replay(11)
	bounded.Max = 2
	b.replayed("so many at once", b.do(bounded), true, 11, "12 c; 13 d")
	bounded.Max, bounded.MaxBytes = 0, 1
	b.replayed("so much at once, at least one", b.do(bounded), true, 11, "12 c")
	for group, position := range b.engine.CarriedGroups() {
		if group != "g" || position != 14 {
			b.t.Fatalf("the position of %s is %d", group, position)
		}
	}
	b.do(store.Op{Kind: store.Dissolve, Loop: store.Dispatcher, Group: "g"})
	b.replayed("a group that was dissolved", b.do(replay(0)), false, 0, "")
}

func historyForgetsWhatIsOld(b *bench) {
	for i, id := range []string{"a", "b", "c"} {
		b.do(keep(uint64(i+1), uint64(i), id, func(m *envelope.Message) { m.AcceptedAt = begin.Add(time.Duration(i) * time.Minute) }))
	}
	aged := replay(0)
	aged.Since = begin.Add(time.Minute)
	b.replayed("what is too old is not read", b.do(aged), false, 2, "2 b; 3 c")
	one := keep(4, 3, "d", func(m *envelope.Message) { m.AcceptedAt = begin.Add(3 * time.Minute) })
	one.Since = begin.Add(2 * time.Minute)
	b.do(one)
	b.replayed("nor kept", b.do(replay(0)), false, 3, "3 c; 4 d")
}

func historyHasNoHoles(b *bench) {
	b.do(keep(5, 0, "a"))
	b.do(keep(5, 0, "other"))
	late := keep(7, 6, "c")
	if _, err := b.try(late); err == nil {
		b.t.Fatalf("an Append was taken whose predecessor is not there")
	}
	b.do(keep(6, 5, "b"))
	b.do(keep(7, 6, "c"))
	b.do(keep(100, 7, "d")) // Another run begins higher.
	b.replayed("a position is given once, and none is passed over", b.do(replay(0)), false, 5, "5 a; 6 b; 7 c; 100 d")
}

func positionsAreKept(b *bench) {
	m := message("a", func(m *envelope.Message) {
		m.To = []wire.Address{{Kind: wire.User, ID: "u1"}, {Kind: wire.Group, ID: "g"}}
		m.Positions = []uint64{0, 1 << 51}
	})
	b.do(put("u1", 1, m, "phone"))
	if got := b.do(page("u1", "phone", 0)).Entries; len(got) != 1 || !reflect.DeepEqual(got[0].Message.Positions, m.Positions) {
		b.t.Fatalf("positions %v came back as %+v", m.Positions, got)
	}
}
