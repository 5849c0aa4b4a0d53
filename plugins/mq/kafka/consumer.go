package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
	"github.com/pushcore/pushcore/sdk"
)

const (
	sessionTimeout   = 8 * time.Second // a dead member holds the group this long
	heartbeatEvery   = 2 * time.Second
	rebalanceTimeout = 15 * time.Second // how long the group waits for its members to come back
	joinBackoff      = 500 * time.Millisecond
	watchEvery       = 2 * time.Second  // how often topics and lag are looked at
	quietFor         = 15 * time.Second // a coordinator that is starting is nothing to report
)

// consumer keeps this node in the consumer group. run is its one goroutine.
type consumer struct {
	in      *Input
	cluster *cluster
	host    sdk.MQHost

	epoch atomic.Uint64 // the last that was given out

	mu         sync.Mutex // guards the following
	partitions map[string]*partition
	gates      map[string]*pace.Gate // by source, kept over generations
	running    *generation           // nil between generations

	// Everything following is run's.
	missed map[string]bool // topics that were not there when we came
	accord bool            // the new group's start was found in order
	others bool            // another member was reported
	since  time.Time       // of the present trouble, zero without
}

func newConsumer(in *Input, c *cluster, h sdk.MQHost) *consumer {
	return &consumer{
		in: in, cluster: c, host: h,
		partitions: make(map[string]*partition), gates: make(map[string]*pace.Gate), missed: make(map[string]bool),
	}
}

// run consumes until ctx ends or an operator has to decide.
func (c *consumer) run(ctx context.Context) {
	backoff := pace.Backoff{Least: 100 * time.Millisecond, Most: 5 * time.Second}
	for ctx.Err() == nil {
		there, err := c.look(ctx)
		if err == nil && len(there) > 0 {
			err = c.member(ctx, there)
		}
		var refused *refusal
		switch {
		case ctx.Err() != nil:
		case errors.As(err, &refused):
			c.host.Log().Error("the input stops", "reason", err)
			c.host.Status(false, err.Error())
			return
		case err != nil:
			c.trouble(err)
			_ = backoff.Wait(ctx)
		case len(there) == 0:
			backoff.Reset()
			c.host.Status(true, "waiting for topics "+strings.Join(c.in.Topics, ", "))
			_ = pace.Sleep(ctx, watchEvery)
		default:
			backoff.Reset()
		}
	}
}

// look finds the input's topics and says once for each that is missing.
func (c *consumer) look(ctx context.Context) (layout, error) {
	there, err := c.cluster.layout(ctx, c.in.Topics)
	if err != nil {
		return nil, err
	}
	for _, topic := range c.in.Topics {
		if there[topic] == 0 && !c.missed[topic] {
			c.missed[topic] = true
			c.host.Log().Warn("an input topic does not exist; it is read as soon as it does", "topic", topic)
		}
	}
	if c.accord || len(there) == 0 {
		return there, nil
	}
	if err := c.cluster.farBehind(ctx, c.in, c.old(there)); err != nil {
		return nil, err
	}
	c.accord = true
	return there, nil
}

// old leaves out topics that appeared while we waited: all in them is new.
func (c *consumer) old(there layout) layout {
	old := maps.Clone(there)
	maps.DeleteFunc(old, func(topic string, _ int) bool { return c.missed[topic] })
	return old
}

// member joins the group for the topics that are there, and stays until these
// change, the group cannot be joined for a while, or ctx ends. The group is told
// existing topics only: as its leader the library gives nobody any partition while
// one topic is missing.
func (c *consumer) member(ctx context.Context, there layout) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: c.in.Group, Brokers: c.cluster.brokers, Dialer: c.cluster.dialer(),
		Topics:            slices.Sorted(maps.Keys(there)),
		HeartbeatInterval: heartbeatEvery, SessionTimeout: sessionTimeout, RebalanceTimeout: rebalanceTimeout,
		JoinGroupBackoff: joinBackoff, Timeout: callTimeout,
	})
	if err != nil {
		return err
	}
	defer group.Close()
	changed := make(chan struct{}) // closed by the generation that sees other topics
	for {
		next, err := group.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			c.trouble(err)
			continue // The library waits joinBackoff before it tries again.
		}
		if err := c.generation(ctx, next, there, changed); err != nil {
			return err
		}
		select {
		case <-changed:
			return nil
		default:
		}
	}
}

// trouble reports what keeps us from consuming, but not what passes by itself.
func (c *consumer) trouble(err error) {
	now := time.Now()
	if c.since.IsZero() {
		c.since = now
	}
	passing := errors.Is(err, kafka.GroupCoordinatorNotAvailable) || errors.Is(err, kafka.NotCoordinatorForGroup) ||
		errors.Is(err, kafka.GroupLoadInProgress) || errors.Is(err, kafka.RebalanceInProgress) ||
		errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.IllegalGeneration)
	if passing && now.Sub(c.since) < quietFor {
		c.host.Log().Debug("joining the group", "group", c.in.Group, "error", err)
		return
	}
	c.host.Status(false, fmt.Sprintf("group %s: %v", c.in.Group, err))
}

// settle is called by the host.
func (c *consumer) settle(settlements []sdk.Settlement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range settlements {
		s := &settlements[i]
		if p := c.partitions[s.Source]; p != nil && p.settle(s) {
			c.running.wake()
		}
	}
}

// gate is what holds a source while it is paused.
func (c *consumer) gate(source string) *pace.Gate {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.gates[source]
	if g == nil {
		g = new(pace.Gate)
		c.gates[source] = g
	}
	return g
}
