package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
	"github.com/pushcore/pushcore/sdk"
)

// generation is one assignment of partitions to this node. serve is its main
// goroutine; each partition has one that reads.
type generation struct {
	*consumer
	group      *kafka.Generation
	assigned   []*partition // constant once taken
	fetchBytes int64
	dirty      chan struct{} // capacity 1: something can be committed

	uncommitted bool // by serve: a commit that failed was reported
}

// generation serves one generation to its end. An error is final for the input.
func (c *consumer) generation(ctx context.Context, next *kafka.Generation, there layout, changed chan struct{}) error {
	g := &generation{consumer: c, group: next, dirty: make(chan struct{}, 1)}
	ended := make(chan error, 1)
	next.Start(func(generationCtx context.Context) {
		// What ends the plugin ends the generation, and the other way about.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(generationCtx, cancel)()
		ended <- g.serve(ctx, there, changed)
	})
	return <-ended
}

// serve takes the partitions, commits while they are read, and gives them back.
func (g *generation) serve(ctx context.Context, there layout, changed chan struct{}) error {
	starts, err := g.starts(ctx, there)
	if err != nil {
		if ctx.Err() == nil {
			g.trouble(err)
			_ = pace.Sleep(ctx, joinBackoff)
		}
		return nil // The group is joined again.
	}
	g.take(starts)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var reading sync.WaitGroup
	for _, p := range g.assigned {
		reading.Go(func() { g.read(ctx, p, starts[p.topic][p.id].offset) })
	}
	reading.Go(func() { g.watch(ctx, there, changed, cancel) })
	g.since = time.Time{}
	g.host.Status(true, fmt.Sprintf("group %s: %d partitions", g.in.Group, len(g.assigned)))
	g.commitLoop(ctx)
	cancel()
	reading.Wait()
	g.giveBack()
	return nil
}

// take makes the assigned partitions known to Settle.
func (g *generation) take(starts map[string]map[int]start) {
	for topic, partitions := range starts {
		for id, s := range partitions {
			gate := g.gate(sourceName(topic, id))
			g.assigned = append(g.assigned, newPartition(topic, id, s.committed, gate))
		}
	}
	g.fetchBytes = min(max(fetchBytesAll/int64(max(len(g.assigned), 1)), fetchBytesLeast), fetchBytesMost)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running = g
	for _, p := range g.assigned {
		g.partitions[p.name] = p
	}
}

// giveBack commits what is settled and revokes all partitions. The members of the
// group wait for this.
func (g *generation) giveBack() {
	g.commit()
	for _, p := range g.assigned {
		p.mu.Lock()
		epoch := p.epoch
		p.epoch = 0
		p.mu.Unlock()
		if epoch != 0 {
			g.host.Revoked(p.name, epoch)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.partitions)
	g.running = nil
}

// read reads one partition, one epoch after the other: a further one begins only
// when the host gives a record back, or the partition begins anew.
func (g *generation) read(ctx context.Context, p *partition, offset int64) {
	backoff := pace.Backoff{Least: time.Second, Most: 10 * time.Second}
	for {
		epochCtx, requeue := context.WithCancel(ctx)
		epoch := g.epoch.Add(1)
		p.begin(epoch, offset, requeue)
		g.host.Assigned(sdk.Source{Name: p.name, Epoch: epoch, StablePositions: true})
		rewound := g.consume(epochCtx, p, epoch, offset)
		requeue()
		if ctx.Err() != nil {
			return // giveBack revokes, after the last commit.
		}
		offset = p.end(rewound)
		g.host.Revoked(p.name, epoch)
		if backoff.Wait(ctx) != nil {
			return
		}
	}
}

// watch looks at the topics, at what waits in them, and at who else is in the
// group. When the topics are not what the group was joined for, it ends the
// generation.
func (g *generation) watch(ctx context.Context, there layout, changed chan struct{}, end context.CancelFunc) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		g.lookForOthers(ctx)
		g.reportLag(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now, err := g.cluster.layout(ctx, g.in.Topics)
		if err == nil && !maps.Equal(now, there) {
			g.host.Log().Info("the input's topics have changed: joining the group anew", "group", g.in.Group)
			close(changed)
			end()
			return
		}
	}
}

// lookForOthers says once that the group has another member: each record goes to
// one of them only, and nodes do not forward to each other.
func (g *generation) lookForOthers(ctx context.Context) {
	if g.others {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := g.cluster.client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{g.in.Group}})
	if err != nil || len(answer.Groups) != 1 || len(answer.Groups[0].Members) < 2 {
		return // Not allowed to look, or nobody else.
	}
	g.others = true
	text := fmt.Sprintf("group %s has %d members: this node gets only part of the records, and users connected here miss the rest", g.in.Group, len(answer.Groups[0].Members))
	g.host.Log().Warn(text)
	g.host.Status(true, text)
}

// reportLag tells for each partition what the host was not given yet.
func (g *generation) reportLag(ctx context.Context) {
	mine := make(map[string][]kafka.OffsetRequest)
	for _, p := range g.assigned {
		mine[p.topic] = append(mine[p.topic], kafka.LastOffsetOf(p.id))
	}
	if len(mine) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := g.cluster.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: mine})
	if err != nil {
		return // The readers report a cluster that is away.
	}
	for _, p := range g.assigned {
		for _, end := range answer.Topics[p.topic] {
			if end.Partition == p.id && end.Error == nil {
				g.host.Lag(p.name, p.lag(end.LastOffset))
			}
		}
	}
}

// wake makes the commit loop look. A nil generation has ended.
func (g *generation) wake() {
	if g == nil {
		return
	}
	select {
	case g.dirty <- struct{}{}:
	default:
	}
}

// gone tells errors of a generation that is over: the next one begins from what
// was committed.
func gone(err error) bool {
	return errors.Is(err, kafka.RebalanceInProgress) || errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.UnknownMemberId)
}
