package kafka

import (
	"context"
	"time"
)

// commitEvery is how far apart commits are: offsets are small, requests are not.
const commitEvery = 200 * time.Millisecond

// commitLoop commits what has become contiguous until ctx ends.
func (g *generation) commitLoop(ctx context.Context) {
	again := time.NewTimer(commitEvery)
	defer again.Stop()
	g.wake() // Pin where a new group begins.
	for {
		select {
		case <-g.dirty:
		case <-ctx.Done():
			return
		}
		if !g.commit() {
			g.wake() // After the pause below.
		}
		again.Reset(commitEvery)
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

// commit commits for each partition the offset up to which all is settled. A
// failed commit loses nothing: its records are settled again by a later one, or
// delivered again and known by their positions.
func (g *generation) commit() bool {
	offsets := make(map[string]map[int]int64)
	for _, p := range g.assigned {
		if offset, ok := p.uncommitted(); ok {
			if offsets[p.topic] == nil {
				offsets[p.topic] = make(map[int]int64)
			}
			offsets[p.topic][p.id] = offset
		}
	}
	if len(offsets) == 0 {
		return true
	}
	if err := g.group.CommitOffsets(offsets); err != nil {
		if !gone(err) && !g.uncommitted {
			g.uncommitted = true
			g.host.Log().Warn("offsets were not committed; trying again", "group", g.in.Group, "error", err)
		}
		return false
	}
	for _, p := range g.assigned {
		if offset, ok := offsets[p.topic][p.id]; ok {
			p.commit(offset)
		}
	}
	return true
}
