package disk

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// config is for tests: in memory, small, and silent.
func config(env storetest.Env, fs vfs.FS) Config {
	return Config{
		Dir: "store", FS: fs, Owner: env.Owner, Sink: env.Sink, Now: env.Now, Log: slog.New(slog.DiscardHandler),
		ReserveBytes: -1, CacheBytes: 1 << 20, MemTableBytes: 1 << 20,
	}
}

func TestEngineConforms(t *testing.T) {
	storetest.Test(t, func(env storetest.Env) store.Store {
		s, err := Open(config(env, vfs.NewMem()))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
