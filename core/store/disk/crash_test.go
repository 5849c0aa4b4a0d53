package disk

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/store/storetest"
)

func TestEngineIsDurable(t *testing.T) {
	storetest.TestDurable(t, func(seed uint64) storetest.Medium { return newMedium(seed) })
}

// medium is a file system in memory that may lose its power.
type medium struct {
	rng *rand.Rand

	mu       sync.Mutex // guards what follows
	fs       *vfs.MemFS
	survived *vfs.MemFS // what the crash left; nil: there was none
	left     int        // changes until the crash; 0: none is to come
	failing  func()
}

var _ storetest.Damager = (*medium)(nil)

func newMedium(seed uint64) *medium {
	return &medium{fs: vfs.NewCrashableMem(), rng: rand.New(rand.NewPCG(seed, 3))} //nolint:gosec // A seed is what is wanted.
}

func (m *medium) Open(env storetest.Env) (store.Store, error) {
	m.mu.Lock()
	fs := m.fs
	m.mu.Unlock()
	cfg := config(env, errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		m.change(fs, op)
		return nil
	})))
	cfg.MemTableBytes = 64 << 10
	s, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// change counts what changes the medium.
func (m *medium) change(fs *vfs.MemFS, op errorfs.Op) {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose || op.Kind == errorfs.OpLock {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == 0 || fs != m.fs {
		return
	}
	if m.left--; m.left == 0 {
		m.failing()
		m.crash()
	}
}

func (m *medium) crash() {
	percent := []int{0, 50, 100}[m.rng.IntN(3)]
	m.survived = m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: m.rng})
}

func (m *medium) Arm(n int, failing func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left, m.failing = n, failing
}

func (m *medium) Fail() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.survived == nil {
		m.crash()
	}
	m.fs, m.survived, m.left = m.survived, nil, 0
}

func (m *medium) Kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fs, m.left = m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: m.rng}), 0
}

// Damage flips a bit of a file, small and large ones alike.
func (m *medium) Damage(choose func(n int) int) string {
	names, err := m.fs.List("store")
	if err != nil {
		panic(err)
	}
	for {
		name := "store/" + names[choose(len(names))]
		data, err := m.fs.UnsafeGetFileDataBuffer(name)
		if err != nil || len(data) == 0 || strings.HasSuffix(name, "/LOCK") {
			continue
		}
		at, bit := choose(len(data)), choose(8)
		data[at] ^= 1 << bit
		return name
	}
}
