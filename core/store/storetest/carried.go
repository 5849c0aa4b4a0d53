package storetest

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/store"
)

// carrier is an engine that tells what it holds, as those do that can be opened with
// something in them.
type carrier interface {
	Carried() iter.Seq[store.Carried]
}

func carried(b *bench) {
	engine, ok := b.engine.(carrier)
	if !ok {
		return // nothing survives, nothing is carried
	}
	seen := begin.Add(-time.Minute)
	b.do(store.Op{Kind: store.PutDevice, User: "u1", Device: "x", Platform: "phone", Seen: begin})
	b.do(store.Op{Kind: store.PutDevice, User: "u1", Device: "x", Platform: "till", Seen: seen})
	b.do(store.Op{Kind: store.PutDevice, User: "u1", Device: "y"})
	b.do(store.Op{Kind: store.PutMember, User: "u1", Group: "g"})
	b.do(store.Op{Kind: store.PutMember, User: "u1", Group: "g"})
	b.do(store.Op{Kind: store.PutMember, User: "u2", Group: "g"})
	b.do(store.Op{Kind: store.PutMember, User: "u2", Group: "h"})
	b.do(put("u3", 1, message("a"), "x", "y"))
	b.holds(engine, "u1 x:till,y: [g] 0 0; u2  [g h] 0 0; u3  [] 2 1")
	b.do(store.Op{Kind: store.RemoveMember, User: "u1", Group: "g"})
	b.do(store.Op{Kind: store.ForgetDevice, User: "u1", Device: "y"})
	b.holds(engine, "u1 x:till [] 0 0; u2  [g h] 0 0; u3  [] 2 1")
	b.do(store.Op{Kind: store.Dissolve, Group: "g"})
	b.holds(engine, "u1 x:till [] 0 0; u2  [h] 0 0; u3  [] 2 1")
	b.do(store.Op{Kind: store.EraseUser, User: "u1"})
	b.do(store.Op{Kind: store.EraseUser, User: "u2"})
	b.do(store.Op{Kind: store.Remove, User: "u3", Order: 1})
	b.holds(engine, "")
}

// holds compares what is carried.
func (b *bench) holds(engine carrier, want string) {
	b.t.Helper()
	var lines []string
	for c := range engine.Carried() {
		var devices []string
		for _, d := range c.Devices {
			devices = append(devices, d.ID+":"+d.Platform)
		}
		slices.Sort(devices)
		slices.Sort(c.Groups)
		lines = append(lines, fmt.Sprintf("%s %s %v %d %d", c.User, strings.Join(devices, ","), c.Groups, c.Pairs, c.Messages))
	}
	slices.Sort(lines)
	if got := strings.Join(lines, "; "); got != want {
		b.t.Fatalf("carried %q\n   want %q", got, want)
	}
}
