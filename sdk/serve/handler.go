package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// handler is the slog.Handler of the host's logger: it fills the journal.
type handler struct {
	journal *journal
	level   slog.Level
	attrs   []scoped // of With
	groups  []string // of WithGroup
}

// scoped is an attribute in its groups.
type scoped struct {
	groups []string
	attr   slog.Attr
}

var _ slog.Handler = (*handler)(nil)

func newHandler(j *journal, level slog.Level) *handler { return &handler{journal: j, level: level} }

// logLevel is what the runtime logs.
func logLevel() slog.Level {
	var l slog.Level // info
	_ = l.UnmarshalText([]byte(os.Getenv(pluginrpc.LogLevelKey)))
	return l
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements slog.Handler.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	tree := map[string]any{}
	for _, s := range h.attrs {
		put(tree, s.groups, s.attr)
	}
	r.Attrs(func(a slog.Attr) bool {
		put(tree, h.groups, a)
		return true
	})
	e := &pluginpb.LogEntry{Level: int32(r.Level), Message: r.Message}
	if !r.Time.IsZero() {
		e.TimeNs = uint64(r.Time.UnixNano())
	}
	if len(tree) > 0 {
		encoded, err := json.Marshal(tree)
		if err != nil {
			return fmt.Errorf("encode the attributes of %q: %w", r.Message, err)
		}
		e.Attributes = encoded
	}
	h.journal.add(e)
	return nil
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = append([]scoped(nil), h.attrs...)
	for _, a := range attrs {
		with.attrs = append(with.attrs, scoped{h.groups, a})
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.groups = append(append([]string(nil), h.groups...), name)
	return &with
}

// put sets an attribute below its groups.
func put(tree map[string]any, groups []string, a slog.Attr) {
	v := a.Value.Resolve()
	if a.Key == "" && v.Kind() == slog.KindAny && v.Any() == nil {
		return // As slog asks for: an empty attribute is none.
	}
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			groups = append(append([]string(nil), groups...), a.Key)
		}
		for _, member := range v.Group() {
			put(tree, groups, member)
		}
		return
	}
	for _, g := range groups {
		below, ok := tree[g].(map[string]any)
		if !ok {
			below = map[string]any{}
			tree[g] = below
		}
		tree = below
	}
	tree[a.Key] = plain(v)
}

// plain is a value that always encodes.
func plain(v slog.Value) any {
	switch v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindString:
		return v.Any()
	case slog.KindAny, slog.KindFloat64:
		if _, isError := v.Any().(error); !isError {
			if encoded, err := json.Marshal(v.Any()); err == nil {
				return json.RawMessage(encoded)
			}
		}
	}
	return v.String()
}
