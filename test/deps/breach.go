package deps

import (
	"cmp"
	"fmt"
	"slices"
)

// Breach is one place where a rule is broken.
type Breach struct {
	File string // "" if the rule itself is at fault
	Line int
	What string
	Why  string // the rule's reason
}

func (b Breach) String() string {
	if b.File == "" {
		return fmt.Sprintf("%s: %s", b.What, b.Why)
	}
	return fmt.Sprintf("%s:%d: %s: %s", b.File, b.Line, b.What, b.Why)
}

func sortBreaches(list []Breach) {
	slices.SortFunc(list, func(a, b Breach) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.What, b.What))
	})
}
