package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// faulty is a store whose file system fails when it is told to.
type faulty struct {
	*Store
	t       *testing.T
	answers chan store.Answer
	order   uint64
}

const patience = 10 * time.Second

func openFaulty(t *testing.T, fs vfs.FS, change ...func(*Config)) *faulty {
	t.Helper()
	f := &faulty{t: t, answers: make(chan store.Answer, 1000)}
	cfg := config(testEnv(f.answers), fs)
	for _, c := range change {
		c(&cfg)
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	f.Store = s
	return f
}

// injecting fails operations for which fail returns an error, until it is nil.
func injecting(fs vfs.FS, fail *atomic.Pointer[func(op errorfs.Op) error]) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if f := fail.Load(); f != nil {
			return (*f)(op)
		}
		return nil
	}))
}

func (f *faulty) put(user string, size int) store.Op {
	f.order++
	m := &envelope.Message{ID: fmt.Sprint("m", f.order), Scope: "s", Payload: make([]byte, size), ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	return store.Op{Kind: store.Put, User: user, Order: f.order, Message: m, Receivers: []store.Receiver{{Device: "x"}}}
}

func (f *faulty) await() store.Answer {
	f.t.Helper()
	select {
	case a := <-f.answers:
		return a
	case <-time.After(patience):
		f.t.Fatal("no answer")
		return store.Answer{}
	}
}

func (f *faulty) do(op store.Op) error {
	f.t.Helper()
	f.Submit([]store.Op{op})
	return f.await().Err
}

// until waits for a state that the engine comes to by itself.
func (f *faulty) until(what string, is func() bool) {
	f.t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for !is() {
		select {
		case <-ticker.C:
		case <-deadline:
			f.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func (f *faulty) close() {
	f.t.Helper()
	done := make(chan error, 1)
	go func() { done <- f.Close() }()
	select {
	case <-done:
	case <-time.After(patience):
		f.t.Fatal("Close hangs")
	}
}

func TestFullDiskRefusesWhatGrowsAndRecovers(t *testing.T) {
	fs := vfs.NewMem()
	usage := func(free uint64) { fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 1 << 30}) }
	usage(1 << 20)
	f := openFaulty(t, fs, func(c *Config) { c.ReserveBytes = 1000 })
	defer f.close()
	if err := f.do(f.put("u", 1)); err != nil {
		t.Fatal(err)
	}
	usage(999)
	f.until("Err says that it is full", func() bool { return errors.Is(f.Err(), ErrFull) })
	first := f.put("v", 1)
	if err := f.do(first); !errors.Is(err, ErrFull) {
		t.Errorf("a Put on a full disk: %v", err)
	}
	if err := f.do(store.Op{Kind: store.Remove, User: "v", Order: 1}); !errors.Is(err, errBehind) {
		t.Errorf("behind it: %v", err)
	}
	if err := f.do(store.Op{Kind: store.PutDevice, User: "u", Device: "x"}); err != nil {
		t.Errorf("a device that logs in on a full disk: %v", err)
	}
	if err := f.do(store.Op{Kind: store.Remove, User: "u", Order: 1}); err != nil || f.Census() != 0 {
		t.Errorf("a Remove on a full disk: %v, census %d", err, f.Census())
	}
	usage(1 << 20)
	f.until("Err is nil again", func() bool { return f.Err() == nil })
	first.Retry = true
	if err := f.do(first); err != nil || f.Census() != 1 {
		t.Errorf("tried again: %v, census %d", err, f.Census())
	}
}

func TestLogWithoutSpaceWaits(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		var fail atomic.Pointer[func(errorfs.Op) error]
		f := openFaulty(t, injecting(vfs.NewMem(), &fail))
		noSpace := func(op errorfs.Op) error {
			if op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".log") {
				return errno
			}
			return nil
		}
		fail.Store(&noSpace)
		f.Submit([]store.Op{f.put("u", 1)})
		f.until("Err says that it is full", func() bool { return errors.Is(f.Err(), ErrFull) })
		if len(f.answers) > 0 {
			t.Error("what is not written was answered")
		}
		fail.Store(nil)
		if a := f.await(); a.Err != nil || f.Census() != 1 {
			t.Errorf("with space: %v", a.Err)
		}
		f.until("Err is nil again", func() bool { return f.Err() == nil })
		f.close()
	}
}

func TestTablesWithoutSpaceAreWrittenLater(t *testing.T) {
	var fail atomic.Pointer[func(errorfs.Op) error]
	fs := vfs.NewMem()
	f := openFaulty(t, injecting(fs, &fail), func(c *Config) { c.MemTableBytes = 64 << 10 })
	noTables := func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".sst") {
			return syscall.ENOSPC
		}
		return nil
	}
	fail.Store(&noTables)
	const n = 100
	for range n {
		f.Submit([]store.Op{f.put("u", 5000)})
	}
	f.until("Err says that it is full", func() bool { return errors.Is(f.Err(), ErrFull) })
	fail.Store(nil)
	for range n {
		if a := f.await(); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	f.until("Err is nil again", func() bool { return f.Err() == nil })
	f.close()
	f = openFaulty(t, fs)
	defer f.close()
	if f.Census() != n {
		t.Errorf("census %d", f.Census())
	}
}

func TestFailedSyncIsTheEndOfTheStoreNotOfTheProcess(t *testing.T) {
	fails := map[string]func(op errorfs.Op) bool{
		"sync of the log": func(op errorfs.Op) bool {
			return (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) && strings.HasSuffix(op.Path, ".log")
		},
		"write of the log": func(op errorfs.Op) bool {
			return op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".log")
		},
		"a new log": func(op errorfs.Op) bool {
			return (op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpReuseForWrite) && strings.HasSuffix(op.Path, ".log")
		},
		"write of the manifest": func(op errorfs.Op) bool {
			return op.Kind == errorfs.OpFileWrite && strings.Contains(op.Path, "MANIFEST")
		},
		"sync of the manifest": func(op errorfs.Op) bool {
			return (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) && strings.Contains(op.Path, "MANIFEST")
		},
		"everything": func(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsWrite },
	}
	for name, fails := range fails {
		t.Run(name, func(t *testing.T) { testFailure(t, fails) })
	}
}

func testFailure(t *testing.T, fails func(op errorfs.Op) bool) {
	var fail atomic.Pointer[func(errorfs.Op) error]
	fs := vfs.NewCrashableMem()
	f := openFaulty(t, injecting(fs, &fail), func(c *Config) { c.MemTableBytes = 64 << 10 })
	if err := f.do(f.put("before", 1)); err != nil {
		t.Fatal(err)
	}
	broken := func(op errorfs.Op) error {
		if fails(op) {
			return syscall.EIO
		}
		return nil
	}
	fail.Store(&broken)
	stored := 1
	var err error
	for i := 0; err == nil && i < 500; i++ {
		if err = f.do(f.put("u", 2000)); err == nil {
			stored++
		}
	}
	if !errors.Is(err, ErrFailed) || !errors.Is(f.Err(), ErrFailed) || !errors.Is(err, syscall.EIO) {
		t.Errorf("answered %v, Err is %v", err, f.Err())
	}
	if err := f.do(store.Op{Kind: store.Page, User: "before", Device: "x"}); !errors.Is(err, ErrFailed) {
		t.Errorf("a Page after that: %v", err)
	}
	survived := fs.CrashClone(vfs.CrashCloneCfg{})
	f.close()
	f = openFaulty(t, survived)
	defer f.close()
	if f.Census() < stored {
		t.Errorf("after the next start %d are there, %d were answered as stored", f.Census(), stored)
	}
}

func TestDirectoryIsOneProcessesAlone(t *testing.T) {
	dir := t.TempDir()
	onDisk := func(c *Config) { c.Dir = dir }
	f := openFaulty(t, vfs.Default, onDisk)
	defer f.close()
	cfg := config(testEnv(nil), vfs.Default)
	cfg.Dir = dir
	if s, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second engine: %v, %v", s, err)
	}
}

// edit changes what is stored behind the engine's back.
func edit(t *testing.T, fs vfs.FS, change func(db *pebble.DB)) {
	t.Helper()
	db, err := pebble.Open("store", &pebble.Options{FS: fs, FormatMajorVersion: pebble.FormatNewest, Logger: logger{&state{log: slog.New(slog.DiscardHandler)}}})
	if err != nil {
		t.Fatal(err)
	}
	change(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFormatOfANewerVersionIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	openFaulty(t, fs).close()
	edit(t, fs, func(db *pebble.DB) {
		key := []byte{keyFormat}
		if err := db.Set(key, seal(key, append(begin(nil), format+1)), pebble.Sync); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := Open(config(testEnv(nil), fs)); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("opened: %v", err)
	}
}

func TestDatabaseOfSomethingElseIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	edit(t, fs, func(db *pebble.DB) {
		if err := db.Set([]byte("key"), []byte("value"), pebble.Sync); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := Open(config(testEnv(nil), fs)); err == nil {
		t.Error("opened")
	}
}

func TestWhatExpiresIsToldAlsoWhereAnOperationBehindItFails(t *testing.T) {
	fs := vfs.NewMem()
	f := openFaulty(t, fs)
	damaged, expired := f.put("u", 10), f.put("v", 10)
	damaged.Message.ExpiresAt = expired.Message.ExpiresAt.Add(time.Hour)
	for _, op := range []store.Op{damaged, expired} {
		if err := f.do(op); err != nil {
			t.Fatal(err)
		}
	}
	f.close()
	edit(t, fs, func(db *pebble.DB) {
		if err := db.Set(orderKey(nil, keyBody, "u", damaged.Order), []byte("damage"), pebble.Sync); err != nil {
			t.Fatal(err)
		}
	})
	cfg := config(testEnv(f.answers), fs)
	cfg.Now = func() time.Time { return expired.Message.ExpiresAt }
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Submit([]store.Op{{Kind: store.Page, Token: 1, User: "u", Device: "x"}}) // In one turn with what expires.
	s.Start()
	f.Store = s
	defer f.close()
	if a := f.await(); len(a.Removed) != 1 || a.User != "v" || a.Removed[0].Fate != envelope.Expired {
		t.Errorf("of what expired was told %+v", a)
	}
	if a := f.await(); a.Token != 1 {
		t.Errorf("the page was answered %+v", a)
	}
}

func TestDamagedMessageIsNamedAndTheRestGoesOn(t *testing.T) {
	fs := vfs.NewMem()
	f := openFaulty(t, fs)
	for _, user := range []string{"u", "u", "v"} {
		if err := f.do(f.put(user, 10)); err != nil {
			t.Fatal(err)
		}
	}
	f.close()
	edit(t, fs, func(db *pebble.DB) {
		key, other := orderKey(nil, keyBody, "u", 1), orderKey(nil, keyBody, "u", 2)
		value, closer, err := db.Get(other)
		if err == nil {
			err = errors.Join(db.Set(key, value, pebble.Sync), closer.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	f = openFaulty(t, fs)
	defer f.close()
	err := f.do(store.Op{Kind: store.Page, User: "u", Device: "x"})
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), `user "u" order 1`) {
		t.Errorf("a page with a message that is another's: %v", err)
	}
	if err := f.do(store.Op{Kind: store.Page, User: "u", Device: "x", Order: 1}); err != nil {
		t.Errorf("what is behind it: %v", err)
	}
	f.Submit([]store.Op{
		{Kind: store.Remove, User: "v", Order: 3},
		{Kind: store.Remove, User: "u", Order: 1},
		{Kind: store.Remove, User: "u", Order: 2},
		{Kind: store.Remove, User: "u", Order: 2, Retry: true},
	})
	for i, damaged := range []bool{false, true, true, false} {
		if a := f.await(); (a.Err != nil) != damaged {
			t.Errorf("operation %d: %v", i, a.Err)
		}
	}
	if f.Census() != 1 || f.Err() != nil {
		t.Errorf("census %d, Err %v", f.Census(), f.Err())
	}
	if err := f.do(store.Op{Kind: store.EraseUser, User: "u", Retry: true}); err != nil || f.Census() != 0 {
		t.Errorf("erasing the user: %v, census %d", err, f.Census())
	}
}
