// Package metrics shows a node's numbers to Prometheus. It keeps none of its own:
// a scrape asks the node, loops count without locks. Names and labels are promises
// to users; a test fails when one changes.
package metrics

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Node gives the numbers; it may be asked from any goroutine.
type Node interface {
	Snapshot(ctx context.Context) (*Snapshot, error)
}

// scrapeTime bounds a scrape, should a loop not answer.
const scrapeTime = 5 * time.Second

// Handler serves a node's metrics, with those of the process and of Go.
func Handler(n Node) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		&collector{n}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// collector turns a snapshot into metrics.
type collector struct{ node Node }

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range families {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector. A node that does not answer has no
// metrics rather than old ones.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	s, err := c.node.Snapshot(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(connections.desc, err)
		return
	}
	for i := range s.Values {
		v := &s.Values[i]
		ch <- prometheus.MustNewConstMetric(v.Family.desc, v.Family.kind, v.Value, v.Labels...)
	}
	for i := range s.Histograms {
		h := &s.Histograms[i]
		ch <- prometheus.MustNewConstHistogram(h.Family.desc, h.Count, h.Sum, h.Buckets, h.Labels...)
	}
}

// Family is a metric with its labels.
type Family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

// Value is one sample.
type Value struct {
	Family *Family
	Labels []string
	Value  float64
}

// HistogramValue is a histogram's sample; Buckets are cumulative by upper bound.
type HistogramValue struct {
	Family  *Family
	Labels  []string
	Count   uint64
	Sum     float64
	Buckets map[float64]uint64
}

// Snapshot is what a node's metrics are at one time.
type Snapshot struct {
	Values     []Value
	Histograms []HistogramValue
}

// Set adds a sample.
func (s *Snapshot) Set(f *Family, value float64, labels ...string) {
	s.Values = append(s.Values, Value{f, labels, value})
}
