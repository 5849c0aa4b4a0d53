package kafka

import "context"

// start is where a partition is read from.
type start struct {
	offset    int64
	committed int64 // the group's commit, or -1
}

// starts finds for each assigned partition where to begin: at the commit if there
// is one. Without one, offset_reset decides, but only in a topic that the group has
// no commit of and that was there before us: a partition added later, and a topic
// that appeared while we waited, are new from their first record on. Where a
// partition begins is committed at once, so that it is decided only once.
func (g *generation) starts(ctx context.Context, there layout) (map[string]map[int]start, error) {
	found := make(map[string]map[int]start)
	undecided := make(layout)
	for topic, assigned := range g.group.Assignments {
		found[topic] = make(map[int]start)
		for _, a := range assigned {
			if a.Offset < 0 {
				undecided[topic] = there[topic]
			}
			found[topic][a.ID] = start{offset: a.Offset, committed: a.Offset}
		}
	}
	if len(undecided) == 0 {
		return found, nil
	}
	committed, err := g.cluster.committed(ctx, g.in.Group, undecided)
	if err != nil {
		return nil, err
	}
	bounds, err := g.cluster.bounds(ctx, undecided)
	if err != nil {
		return nil, err
	}
	for topic := range undecided {
		fromEnd := g.in.OffsetReset == latest && len(committed[topic]) == 0 && !g.missed[topic]
		for id, s := range found[topic] {
			switch {
			case s.offset >= 0:
				continue
			case fromEnd:
				s.offset = bounds[topic][id].last
			default:
				s.offset = bounds[topic][id].first
			}
			found[topic][id] = start{offset: s.offset, committed: -1}
		}
	}
	return found, nil
}

// restart is where to go on when the offset to read is not there: from the first
// record if older ones were deleted, else, for a topic that was made anew, as
// offset_reset says, by default from the first record.
func (g *generation) restart(ctx context.Context, p *partition, offset int64) (int64, error) {
	answer, err := g.cluster.bounds(ctx, layout{p.topic: p.id + 1})
	if err != nil {
		return 0, err
	}
	b := answer[p.topic][p.id]
	log := g.host.Log().With("source", p.name, "offset", offset)
	switch {
	case offset < b.first:
		log.Error("records were deleted at the broker before they were read", "lost", b.first-offset)
		return b.first, nil
	case offset <= b.last:
		return offset, nil // It is there by now.
	case g.in.OffsetReset == latest:
		log.Error("the topic ends before the group's offset; beginning at its end, as offset_reset says", "end", b.last)
		return b.last, nil
	default:
		log.Error("the topic ends before the group's offset, so it was made anew; beginning at its first record", "end", b.last)
		return b.first, nil
	}
}
