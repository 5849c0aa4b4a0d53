package core

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/host/process"
	"github.com/pushcore/pushcore/core/metrics"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

var _ metrics.Node = (*Runtime)(nil)

// Snapshot implements metrics.Node: it asks loops and dispatcher for their numbers.
func (r *Runtime) Snapshot(ctx context.Context) (*metrics.Snapshot, error) {
	answers, err := r.queries.all(ctx, shard.Query{Kind: shard.QueryStats})
	if err != nil {
		return nil, err
	}
	s := &metrics.Snapshot{}
	total := sumStats(answers, len(r.transportNames))
	r.sessionMetrics(s, total)
	r.deliveryMetrics(s, total)
	r.booksMetric(s, answers)
	r.loopMetrics(s)
	return s, r.brokerMetrics(ctx, s)
}

// sumStats adds up what the shards counted.
func sumStats(answers []shard.Answer, plugins int) *shard.Stats {
	t := &shard.Stats{Connections: make([]int, plugins), Closes: map[shard.CodeOf]uint64{}, Rejects: map[shard.CodeOf]uint64{}, Clients: map[shard.ClientOf]int{}}
	for _, a := range answers {
		t.Add(a.Stats)
	}
	return t
}

func (r *Runtime) sessionMetrics(s *metrics.Snapshot, t *shard.Stats) {
	r.transportMetrics(s, t)
	s.Set(metrics.Sessions, float64(t.Attached), "attached")
	s.Set(metrics.Sessions, float64(t.Detached), "detached")
	for c, n := range t.Clients {
		s.Set(metrics.SessionsByClient, float64(n), c.Platform, c.Version)
	}
	s.Histograms = append(s.Histograms, histogram(metrics.SessionSeconds, &t.SessionSeconds))
	r.codeMetrics(s, metrics.Closes, t.Closes)
	r.codeMetrics(s, metrics.Rejects, t.Rejects)
}

// transportMetrics adds up the processes of an instance, which is up when all are.
func (r *Runtime) transportMetrics(s *metrics.Snapshot, t *shard.Stats) {
	connections, restarts, up := map[string]int{}, map[string]uint64{}, map[string]bool{}
	for i, name := range r.transportNames {
		works := r.transports[i].Check() == nil
		if _, seen := up[name]; seen {
			works = works && up[name]
		}
		up[name] = works
		connections[name] += t.Connections[i]
		restarts[name] += r.transports[i].Restarts()
	}
	for name := range up {
		s.Set(metrics.Connections, float64(connections[name]), name)
		s.Set(metrics.PluginUp, oneIf(up[name]), name)
		s.Set(metrics.PluginRestarts, float64(restarts[name]), name)
	}
}

// codeMetrics adds up what the processes of an instance count by close code.
func (r *Runtime) codeMetrics(s *metrics.Snapshot, f *metrics.Family, counts map[shard.CodeOf]uint64) {
	type label struct {
		name string
		code uint16
	}
	sums := map[label]uint64{}
	for c, n := range counts {
		sums[label{r.transportNames[c.Plugin], c.Code}] += n
	}
	for l, n := range sums {
		s.Set(f, float64(n), l.name, strconv.Itoa(int(l.code)))
	}
}

var classNames = [...]string{sdk.Reliable: "reliable", sdk.Fast: "fast"}

func (r *Runtime) deliveryMetrics(s *metrics.Snapshot, t *shard.Stats) {
	for fate := range t.Fates {
		for reason := range t.Fates[fate] {
			for class, n := range t.Fates[fate][reason] {
				if n > 0 {
					s.Set(metrics.Fates, float64(n), envelope.Fate(fate).String(), envelope.Reason(reason).String(), classNames[class])
				}
			}
		}
	}
	for class := range t.Delivery {
		s.Histograms = append(s.Histograms, histogram(metrics.DeliverySeconds, &t.Delivery[class], classNames[class]))
	}
	s.Set(metrics.Attempts, float64(t.Attempts))
	s.Set(metrics.NoticesWaiting, float64(t.NoticesWaiting))
	s.Set(metrics.NoticesRefused, float64(t.NoticesLost))
	s.Set(metrics.EventsMerged, float64(t.EventsMerged))
	s.Set(metrics.FatesNotExported, float64(r.fates.lost.Load()))
}

func histogram(f *metrics.Family, h *shard.Histogram, labels ...string) metrics.HistogramValue {
	v := metrics.HistogramValue{Family: f, Labels: labels, Sum: h.Sum.Seconds(), Buckets: map[float64]uint64{}}
	for i, bound := range shard.Buckets {
		v.Count += h.Counts[i]
		v.Buckets[bound] = v.Count
	}
	v.Count += h.Counts[len(shard.Buckets)]
	return v
}

// booksMetric balances the books of each shard, and logs those that do not. Shards
// that differ both ways do not hide each other.
func (r *Runtime) booksMetric(s *metrics.Snapshot, answers []shard.Answer) {
	var sum, worst int64
	for _, a := range answers {
		b := &a.Stats.Books
		d := b.Difference()
		sum += d
		if max(d, -d) > max(worst, -worst) {
			worst = d
		}
		if d != 0 {
			r.log.Error("the books differ: messages were lost without a fate (above 0) or counted twice (below 0)", "loop", a.Loop, "difference", d,
				"carried", b.Carried, "owed", b.Owed, "ended", b.Ended(), "in_memory", b.Memory, "storing", b.Storing, "stored", b.Held, "counted_both", b.InStore)
		}
	}
	if sum == 0 {
		sum = worst
	}
	s.Set(metrics.BooksDifference, float64(sum))
}

func (r *Runtime) loopMetrics(s *metrics.Snapshot) {
	r.scrape.Lock()
	defer r.scrape.Unlock()
	now := time.Now()
	for i := range r.loops.Len() {
		stats := r.loops.Loop(i).Stats()
		if passed := now.Sub(r.scraped); passed > 0 {
			s.Set(metrics.LoopBusyRatio, min(1, float64(stats.Busy-r.busy[i])/float64(passed)), strconv.Itoa(i))
		}
		r.busy[i] = stats.Busy
		s.Set(metrics.LoopLagSeconds, stats.Lag.Seconds(), strconv.Itoa(i))
	}
	r.scraped = now
}

func (r *Runtime) brokerMetrics(ctx context.Context, s *metrics.Snapshot) error {
	stats, err := r.dispatcher.Stats(ctx)
	if err != nil {
		return err
	}
	for i, in := range stats.Instances {
		name := "http"
		if i > 0 {
			name = r.prepared.mqs[i-1].name
		}
		s.Set(metrics.IngressOpen, float64(in.Open), name)
		s.Set(metrics.IngressOldest, in.Oldest.Seconds(), name)
		s.Set(metrics.IngressWithoutID, float64(in.WithoutID), name)
		for reason, n := range in.Paused {
			if reason > 0 {
				s.Set(metrics.IngressPaused, float64(n), name, admit.Reason(reason).String())
			}
		}
		for reason, n := range in.Dead {
			if n > 0 {
				s.Set(metrics.Fates, float64(n), envelope.Dead.String(), envelope.Reason(reason).String(), "")
			}
		}
	}
	for i, b := range r.brokers {
		name := r.prepared.mqs[i].name
		up, _ := b.Up()
		s.Set(metrics.PluginUp, oneIf(up), name)
		s.Set(metrics.PluginRestarts, float64(r.mqRestarts(i)), name)
		s.Set(metrics.IngressPaused, float64(b.Ingress().(*ingress).refused.Load()), name, "store")
		for source, n := range b.Lags() {
			topic, partition := splitSource(source)
			s.Set(metrics.IngressLag, float64(n), name, topic, partition)
		}
	}
	return nil
}

// mqRestarts is how often the process of an MQ instance was started again.
func (r *Runtime) mqRestarts(i int) uint64 {
	if m, ok := r.prepared.mqs[i].plugin.(*process.MQ); ok {
		return m.Restarts()
	}
	return 0
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// splitSource splits a source's name into topic and partition where it has one.
func splitSource(name string) (topic, partition string) {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return name, ""
}
