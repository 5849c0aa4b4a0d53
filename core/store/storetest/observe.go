package storetest

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// observe starts an engine that was opened and reads all it has: for each user what
// is his, and for dispatcherOrder what is nobody's.
func (s *story) observe() map[string]string {
	seen, err := s.tryObserve()
	if err != nil {
		s.Fatalf("%v", err)
	}
	return seen
}

func (s *story) tryObserve() (map[string]string, error) {
	engine := s.bench.engine
	lines := map[string][]string{}
	add := func(user, format string, args ...any) {
		lines[user] = append(lines[user], fmt.Sprintf(format, args...))
	}
	for _, user := range randomUsers {
		c := store.Carried{User: user}
		for o := range engine.Carried() {
			if o.User == user {
				c = o
			}
		}
		add(user, "%s", carriedLine(c))
	}
	owed := slices.Collect(engine.CarriedOwed())
	slices.SortFunc(owed, compareNotices)
	for i := range owed {
		add(owed[i].User, "%s", noticeLine(&owed[i]))
	}
	for r := range engine.CarriedIDs() {
		add(dispatcherOrder, "%s", idLine(r))
	}
	positions := maps.Collect(engine.CarriedGroups())
	for _, group := range slices.Sorted(maps.Keys(positions)) {
		add(dispatcherOrder, "group %s at %d", group, positions[group])
	}
	engine.Start()
	for _, op := range readings() {
		a, err := s.bench.try(op)
		if err != nil {
			return nil, err
		}
		add(op.User, "%s", readingLine(&op, &a))
	}
	whole := map[string]string{}
	for user, some := range lines {
		whole[user] = strings.Join(some, "\n")
	}
	return whole, engine.Err()
}

// readings read what is stored, and take the placeholders.
func readings() (ops []store.Op) {
	for _, user := range randomUsers {
		for _, device := range []string{"x", "y"} {
			op := page(user, device, 0)
			op.Platform = "phone"
			ops = append(ops, op)
		}
		for order := range uint64(13) {
			ops = append(ops, store.Op{Kind: store.Find, User: user, Scope: "orders", ID: messageAt(order).ID})
		}
	}
	return append(ops, store.Op{Kind: store.Replay, Loop: store.Dispatcher, Group: "g"})
}

// observe is what an engine would show of a user that holds what the model holds.
func (m *model) observe(user string) string {
	var lines []string
	if user != dispatcherOrder {
		lines = append(lines, carriedLine(m.carried(user)))
	}
	for _, p := range slices.SortedFunc(slices.Values(m.notices), compareNotices) {
		if p.User == user {
			lines = append(lines, noticeLine(&p))
		}
	}
	if user == dispatcherOrder {
		for _, r := range m.ids {
			lines = append(lines, idLine(r))
		}
		for _, g := range m.groups {
			lines = append(lines, fmt.Sprintf("group %s at %d", g.name, g.position))
		}
	}
	for _, op := range readings() {
		if op.User == user {
			a := m.apply(&op)
			lines = append(lines, readingLine(&op, &a))
		}
	}
	return strings.Join(lines, "\n")
}

func (m *model) carried(user string) store.Carried {
	c := store.Carried{User: user}
	for _, d := range m.devices {
		if d.user == user {
			c.Devices = append(c.Devices, d.Device)
		}
	}
	for _, o := range m.members {
		if o.user == user {
			c.Groups = append(c.Groups, o.group)
		}
	}
	messages := map[uint64]bool{}
	for _, p := range m.pairs {
		if p.user == user {
			c.Pairs++
			if !messages[p.order] {
				messages[p.order] = true
				c.Messages++
				c.Bytes += p.message.Size()
			}
		}
	}
	return c
}

func carriedLine(c store.Carried) string {
	devices := slices.SortedFunc(slices.Values(c.Devices), func(a, b store.Device) int { return cmp.Compare(a.ID, b.ID) })
	return fmt.Sprintf("devices %v groups %v: %d pairs, %d messages, %d bytes", devices, slices.Sorted(slices.Values(c.Groups)), c.Pairs, c.Messages, c.Bytes)
}

func noticeLine(p *store.Pair) string {
	return fmt.Sprintf("owed %d/%q %v %v %s", p.Order, p.Receiver.Device, p.Fate, p.Reason, print(p.Message))
}

// compareNotices orders them by pair: of one operation they have no order.
func compareNotices(a, b store.Pair) int {
	return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Receiver.Device, b.Receiver.Device), cmp.Compare(a.Fate, b.Fate), cmp.Compare(a.Reason, b.Reason))
}

func idLine(r store.Remembered) string {
	return fmt.Sprintf("id %s/%s %d %d %v", r.Scope, r.ID, r.Fingerprint, r.How, r.Until.UTC())
}

func readingLine(op *store.Op, a *store.Answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "op %d %s%s:", op.Kind, op.Device, op.ID)
	for _, e := range a.Entries {
		fmt.Fprintf(&b, " %d/%q×%d %v %s;", e.Order, e.Receiver.Device, e.Receiver.Attempts, e.Receiver.Sent, print(e.Message))
	}
	found := slices.SortedFunc(slices.Values(a.Found), func(a, b store.Pair) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Receiver.Device, b.Receiver.Device))
	})
	for _, p := range found {
		fmt.Fprintf(&b, " %d/%q×%d %v %s;", p.Order, p.Receiver.Device, p.Receiver.Attempts, p.Receiver.Sent, print(p.Message))
	}
	return b.String()
}

// print tells messages apart, in all that is kept of them.
func print(m *envelope.Message) string {
	plain := *m
	plain.Record = 0
	plain.AcceptedAt, plain.ExpiresAt = plain.AcceptedAt.UTC(), plain.ExpiresAt.UTC()
	h := fnv.New32a()
	fmt.Fprintf(h, "%+v", plain)
	return fmt.Sprintf("%s#%x", m.ID, h.Sum32())
}

// finds opens a damaged engine and says whether it has told so. What it serves must
// be right all the same.
func (s *story) finds() bool {
	if err := s.tryStart(); err != nil {
		return true
	}
	defer func() { _ = s.bench.engine.Close() }()
	observed, err := s.tryObserve()
	if err != nil {
		return true
	}
	for _, user := range append(slices.Clone(randomUsers), dispatcherOrder) {
		if _, err := s.explain(user, observed[user]); err != nil {
			s.Fatalf("a flipped bit was not found: %v", err)
		}
	}
	return false
}
