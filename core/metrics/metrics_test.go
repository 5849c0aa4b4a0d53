package metrics

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

var rewrite = flag.Bool("rewrite", false, "rewrite testdata/metrics.txt: a change to what users depend on")

// every has a sample of each metric, whose values are what its labels are called.
func every() *Snapshot {
	s := &Snapshot{}
	for f, labels := range map[*Family][]string{
		Connections: {"plugin"}, Sessions: {"state"}, SessionsByClient: {"platform", "version"},
		IngressPaused: {"plugin", "reason"}, IngressOpen: {"plugin"}, IngressOldest: {"plugin"}, IngressLag: {"plugin", "topic", "partition"},
		IngressWithoutID: {"plugin"}, Fates: {"fate", "reason", "class"}, BooksDifference: nil, NoticesWaiting: nil, NoticesRefused: nil, EventsMerged: nil, FatesNotExported: nil, Attempts: nil, Closes: {"plugin", "code"},
		Rejects: {"plugin", "code"}, LoopBusyRatio: {"loop"}, LoopLagSeconds: {"loop"}, PluginUp: {"plugin"}, PluginRestarts: {"plugin"},
	} {
		s.Set(f, 1, labels...)
	}
	s.Histograms = []HistogramValue{
		{Family: SessionSeconds, Count: 1, Sum: 1, Buckets: map[float64]uint64{1: 1}},
		{Family: DeliverySeconds, Labels: []string{"class"}, Count: 1, Sum: 1, Buckets: map[float64]uint64{1: 1}},
	}
	return s
}

type snapshots func(context.Context) (*Snapshot, error)

func (f snapshots) Snapshot(ctx context.Context) (*Snapshot, error) { return f(ctx) }

func TestNamesAndLabelsAreWhatUsersDependOn(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{snapshots(func(context.Context) (*Snapshot, error) { return every(), nil })})
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, family := range gathered {
		got.WriteString(family.GetName() + " " + strings.ToLower(family.GetType().String()))
		for _, sample := range family.GetMetric() {
			for _, label := range sample.GetLabel() {
				got.WriteString(" " + label.GetName())
				if label.GetName() != label.GetValue() {
					t.Errorf("%s: the label %s has the value of %s", family.GetName(), label.GetName(), label.GetValue())
				}
			}
		}
		got.WriteByte('\n')
	}
	if len(gathered) != len(families) {
		t.Errorf("%d metrics are tested, %d are defined", len(gathered), len(families))
	}
	const file = "testdata/metrics.txt"
	if *rewrite {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("dashboards and alerts depend on these names and labels; now they are\n%s\nand were\n%s", got.String(), want)
	}
}

func TestEveryMetricSaysWhatItIs(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{snapshots(func(context.Context) (*Snapshot, error) { return every(), nil })})
	gathered, _ := registry.Gather() // As above.
	for _, family := range gathered {
		if help := family.GetHelp(); !strings.HasSuffix(help, ".") {
			t.Errorf("%s: the help %q is no sentence", family.GetName(), help)
		}
		if name := family.GetName(); strings.HasSuffix(name, "_total") != (family.GetType().String() == "COUNTER") {
			t.Errorf("%s is a %s", name, family.GetType())
		}
	}
}

func TestNodeThatDoesNotAnswerFailsTheScrape(t *testing.T) {
	h := Handler(snapshots(func(context.Context) (*Snapshot, error) { return nil, errors.New("loop 1 does not answer") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "loop 1 does not answer") {
		t.Errorf("%d %s: a scrape without numbers must fail, not show old ones", w.Code, w.Body)
	}
}
