package rabbitmq

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushcore/pushcore/plugins/mq/internal/track"
	"github.com/pushcore/pushcore/sdk"
)

// channel answers acknowledgements as RabbitMQ does: a tag that is not outstanding
// closes it.
type channel struct{ outstanding []uint64 }

func (c *channel) answer(t *rapid.T, tag uint64, multiple bool) {
	at, ok := slices.BinarySearch(c.outstanding, tag)
	if !ok {
		t.Fatalf("tag %d is not outstanding: the broker closes the channel", tag)
	}
	if multiple {
		c.outstanding = c.outstanding[at+1:]
	} else {
		c.outstanding = slices.Delete(c.outstanding, at, at+1)
	}
}

// TestPlansSettleExactlyWhatWasSettled runs plans against a broker, in random
// order, with tags settled twice and unknown ones.
func TestPlansSettleExactlyWhatWasSettled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tracker, broker := track.New(1), &channel{}
		next, open := uint64(1), map[uint64]bool{}
		outcomes := map[sdk.Outcome]int{}
		for range rapid.IntRange(1, 20).Draw(t, "turns") {
			for range rapid.IntRange(0, 10).Draw(t, "delivered") {
				tracker.Handed(next)
				broker.outstanding = append(broker.outstanding, next)
				open[next] = true
				next++
			}
			var settled []sdk.Settlement
			for range rapid.IntRange(1, 4).Draw(t, "settlements") {
				s := sdk.Settlement{Outcome: rapid.SampledFrom([]sdk.Outcome{sdk.Done, sdk.Done, sdk.Requeue, sdk.Dead}).Draw(t, "outcome")}
				s.Positions = rapid.SliceOfDistinct(rapid.Uint64Range(1, next+1), rapid.ID[uint64]).Draw(t, "tags")
				slices.Sort(s.Positions)
				for _, tag := range s.Positions {
					if open[tag] {
						delete(open, tag)
						outcomes[s.Outcome]++
					}
				}
				settled = append(settled, s)
			}
			p := decide(tracker, settled)
			outcomes[sdk.Requeue] -= len(p.requeue)
			outcomes[sdk.Dead] -= len(p.dead)
			for _, tag := range slices.Concat(p.requeue, p.dead) {
				broker.answer(t, tag, false)
			}
			before := len(broker.outstanding)
			if p.upTo > 0 {
				broker.answer(t, p.upTo, true)
			}
			for _, tag := range p.single {
				broker.answer(t, tag, false)
			}
			outcomes[sdk.Done] -= before - len(broker.outstanding)
			for _, tag := range broker.outstanding {
				if !open[tag] {
					t.Fatalf("tag %d is settled and still outstanding", tag)
				}
			}
			if len(broker.outstanding) != len(open) {
				t.Fatalf("outstanding are %v while open are %v", broker.outstanding, open)
			}
		}
		for outcome, n := range outcomes {
			if n != 0 {
				t.Errorf("outcome %d: %d were told otherwise", outcome, n)
			}
		}
	})
}
