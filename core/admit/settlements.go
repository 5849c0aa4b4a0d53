package admit

import (
	"cmp"
	"slices"

	"github.com/pushcore/pushcore/sdk"
)

// Settlements puts what was settled of one instance into the form in which MQ
// plugins take it, and appends it to dst: one settlement for each source, epoch and
// outcome, its positions ascending. It sorts settled in place.
func Settlements(dst []sdk.Settlement, settled []Settled) []sdk.Settlement {
	slices.SortFunc(settled, func(a, b Settled) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Epoch, b.Epoch),
			cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Position, b.Position))
	})
	positions := make([]uint64, len(settled))
	for i := range settled {
		one := &settled[i]
		positions[i] = one.Position
		if i == 0 || !one.sameSettlement(&settled[i-1]) {
			dst = append(dst, sdk.Settlement{Source: one.Source, Epoch: one.Epoch, Outcome: one.Outcome, Positions: positions[i:i]})
		}
		last := &dst[len(dst)-1]
		last.Positions = positions[i-len(last.Positions) : i+1 : i+1]
	}
	return dst
}

func (a *Settled) sameSettlement(b *Settled) bool {
	return a.Source == b.Source && a.Epoch == b.Epoch && a.Outcome == b.Outcome
}
