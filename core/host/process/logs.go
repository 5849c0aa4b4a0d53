package process

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// logsAgain is how long after its end the stream of log entries is asked for anew.
const logsAgain = time.Second

// receiveLogs logs what the plugin says to its logger, until ctx ends.
func (p *Process) receiveLogs(ctx context.Context) {
	defer p.working.Done()
	for {
		if err := p.logStream(ctx); status.Code(err) == codes.Unimplemented {
			return
		}
		select {
		case <-time.After(logsAgain):
		case <-ctx.Done():
			return
		}
	}
}

func (p *Process) logStream(ctx context.Context) error {
	stream, err := p.control.Logs(ctx, &pluginpb.LogsRequest{})
	if err != nil {
		return err
	}
	for {
		e, err := stream.Recv()
		if err != nil {
			return err
		}
		if n := e.GetLost(); n > 0 {
			p.cfg.Log.Warn("the plugin logged more than it could keep", "entries_lost", n)
		}
		if p.gate.pass(time.Now()) {
			p.logEntry(ctx, e)
		}
	}
}

// logEntry logs one entry, with the time at which it was made.
func (p *Process) logEntry(ctx context.Context, e *pluginpb.LogEntry) {
	level := slog.Level(e.GetLevel())
	if !p.cfg.Log.Enabled(ctx, level) {
		return
	}
	at := time.Now()
	if ns := e.GetTimeNs(); ns > 0 && ns < 1<<63 {
		at = time.Unix(0, int64(ns))
	}
	r := slog.NewRecord(at, level, cut(e.GetMessage(), lineMax), 0)
	r.AddAttrs(attributes(e.GetAttributes())...)
	_ = p.cfg.Log.Handler().Handle(ctx, r) // As slog's own methods do.
}

// attributes decodes a JSON object; what is none is kept as text.
func attributes(encoded []byte) []slog.Attr {
	if len(encoded) == 0 {
		return nil
	}
	if len(encoded) > lineMax {
		return []slog.Attr{slog.String("attributes", cut(string(encoded), lineMax))}
	}
	var tree map[string]any
	if err := json.Unmarshal(encoded, &tree); err != nil {
		return []slog.Attr{slog.String("attributes", string(encoded))}
	}
	return branch(tree)
}

func branch(tree map[string]any) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(tree))
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		if below, ok := tree[key].(map[string]any); ok {
			attrs = append(attrs, slog.Attr{Key: key, Value: slog.GroupValue(branch(below)...)})
			continue
		}
		attrs = append(attrs, slog.Any(key, tree[key]))
	}
	return attrs
}
