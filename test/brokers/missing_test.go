package brokers

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func TestMissingBrokerSkipsUnlessRequired(t *testing.T) {
	for _, tt := range []struct {
		name, variable, value string
		want                  string
	}{
		{"at a desk", "CI", "", "skipped: no broker for this test: there is no Apache Kafka"},
		{"in CI", "CI", "true", "failed: no broker for this test: there is no Apache Kafka"},
		{"when asked", "PUSHCORE_REQUIRE_BROKERS", "1", "failed: no broker for this test: there is no Apache Kafka"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			t.Setenv("CI", "")
			t.Setenv("PUSHCORE_REQUIRE_BROKERS", "")
			t.Setenv(tt.variable, tt.value)
			got := outcome(t, func(t testing.TB) { Kafka(t) })
			if !strings.HasPrefix(got, tt.want) || strings.Contains(got, "\n") || !strings.Contains(got, "ci/brokers.sh") {
				t.Errorf("got %q, want one line: %q … ci/brokers.sh …", got, tt.want)
			}
		})
	}
}

func TestSharedBrokerIsNotDisturbed(t *testing.T) {
	b := SharedKafka(t)
	for name, disturb := range map[string]func(*KafkaBroker){
		"Kill": (*KafkaBroker).Kill, "Stop": (*KafkaBroker).Stop, "Start": (*KafkaBroker).Start, "Pause": (*KafkaBroker).Pause,
	} {
		got := outcome(t, func(t testing.TB) {
			own := *b
			own.t = t
			disturb(&own)
		})
		if want := "failed: " + name + " of the shared Kafka would disturb other tests"; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	b.WaitReady()
}

// outcome runs a test's body and says how it ended.
func outcome(t *testing.T, body func(testing.TB)) string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		body(r)
	}()
	<-done
	return r.ended
}

// recorder is a test that notes its end instead of telling the real one.
type recorder struct {
	testing.TB
	ended string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.ended = "failed: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skip(args ...any) {
	r.ended = "skipped: " + fmt.Sprint(args...)
	runtime.Goexit()
}
