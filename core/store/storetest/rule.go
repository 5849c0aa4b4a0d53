package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/core/store"
)

// pairs writes pairs as sorted lines "order user/device fate reason", to compare and
// to print.
func pairs(some []store.Pair) string {
	lines := make([]string, 0, len(some))
	for _, p := range some {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s/%s %v %v", p.Order, p.User, p.Receiver.Device, p.Fate, p.Reason)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

// entries writes entries in their order as "order id device×attempts".
func entries(some []store.Entry) string {
	var lines []string
	for _, e := range some {
		lines = append(lines, fmt.Sprintf("%d %s %s×%d", e.Order, e.Message.ID, e.Receiver.Device, e.Receiver.Attempts))
	}
	return strings.Join(lines, "; ")
}

// removed compares what an operation ended.
func (b *bench) removed(rule string, a store.Answer, want string) {
	b.t.Helper()
	if got := pairs(a.Removed); got != want {
		b.t.Fatalf("%s:\n removed %q\n    want %q", rule, got, want)
	}
}

// paged compares a page.
func (b *bench) paged(rule string, a store.Answer, more bool, want string) {
	b.t.Helper()
	if got := entries(a.Entries); got != want || a.More != more {
		b.t.Fatalf("%s:\n page %q, more %v\n want %q, more %v", rule, got, a.More, want, more)
	}
}
