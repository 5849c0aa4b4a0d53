package disk

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// logger takes what the database says. What it calls fatal ends the store, not the
// process.
type logger struct{ state *state }

var _ pebble.LoggerAndTracer = logger{}

func (l logger) Infof(format string, args ...any) {
	if l.state.log.Enabled(context.Background(), slog.LevelDebug) {
		l.state.log.Debug("database: " + fmt.Sprintf(format, args...))
	}
}

func (l logger) Errorf(format string, args ...any) {
	l.state.log.Error("database: " + fmt.Sprintf(format, args...))
}

// Fatalf returns, which the database does not expect: its goroutine goes on with the
// error, or as if there was none. So whoever commits asks state.failed afterwards,
// and nothing is committed any more.
func (l logger) Fatalf(format string, args ...any) {
	l.state.fail(fmt.Errorf(format, args...))
}

func (logger) Eventf(context.Context, string, ...any) {}

func (logger) IsTracingEnabled(context.Context) bool { return false }

// listener logs what an operator should know. Damage is not the end of the rest:
// the read that finds it fails.
func (s *state) listener() *pebble.EventListener {
	l := &pebble.EventListener{
		BackgroundError: s.ail,
		FlushEnd: func(i pebble.FlushInfo) {
			if i.Err == nil {
				s.recover()
			}
		},
		CompactionEnd: func(i pebble.CompactionInfo) {
			if i.Err == nil {
				s.recover()
			}
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			s.log.Error("the store is damaged", "file", i.Path, "error", i.Details)
		},
	}
	return l
}
