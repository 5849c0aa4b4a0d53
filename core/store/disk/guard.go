package disk

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard stands between the database and its file system. The database takes the
// failure of a write to its log or its manifest as its end and that of its process,
// here and there by a panic that cannot be recovered from. So such a failure does not
// reach it:
//
//   - For want of space (or descriptors) is no end: the write waits until there is.
//   - Any other is the end of the store, but not of the process: it is noted
//     (state.fail), and from then on nothing is changed on the disk any more, deletions
//     included, while the database is told that all is well. Who commits asks
//     state.failed afterwards.
//
// Writes of tables fail as they do; the database tries those again by itself.
type guard struct {
	vfs.FS
	state *state
	tally *tally // nil until it is open
}

func (g *guard) Unwrap() vfs.FS { return g.FS }

// passes tells whether a failure may pass by itself.
func passes(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// vital tells whether the database does not survive that a file is not written.
func vital(name string) bool {
	base := path.Base(name)
	return strings.HasSuffix(base, ".log") || isManifest(base) || strings.HasPrefix(base, "marker.") || base == tallyName
}

func isManifest(name string) bool { return strings.HasPrefix(path.Base(name), manifestPrefix) }

// over tells whether nothing is changed any more.
func (g *guard) over() bool { return g.state.opened.Load() && g.state.failed() != nil }

// change does what changes the disk.
func (g *guard) change(name string, vital bool, do func() error) error {
	for !g.over() {
		err := do()
		if err == nil || !vital || !g.state.opened.Load() {
			return err
		}
		if !passes(err) || !g.state.waitForSpace(name, err) {
			g.state.fail(err)
		}
	}
	return nil
}

// open opens a file for writing.
func (g *guard) open(name string, vital bool, open func() (vfs.File, error)) (vfs.File, error) {
	f := vfs.NewMemFile(nil) // for when it is over
	err := g.change(name, vital, func() error {
		opened, err := open()
		if err == nil {
			f = opened
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &guardedFile{File: f, guard: g, name: name, vital: vital}, nil
}

func (g *guard) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.open(name, vital(name), func() (vfs.File, error) { return g.FS.Create(name, category) })
}

func (g *guard) OpenReadWrite(name string, category vfs.DiskWriteCategory, options ...vfs.OpenOption) (vfs.File, error) {
	return g.open(name, vital(name), func() (vfs.File, error) { return g.FS.OpenReadWrite(name, category, options...) })
}

func (g *guard) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.open(to, vital(to), func() (vfs.File, error) { return g.FS.ReuseForWrite(from, to, category) })
}

func (g *guard) OpenDir(name string) (vfs.File, error) {
	return g.open(name, true, func() (vfs.File, error) { return g.FS.OpenDir(name) })
}

func (g *guard) Rename(from, to string) error {
	return g.change(to, vital(to), func() error { return g.FS.Rename(from, to) })
}

func (g *guard) Link(from, to string) error {
	return g.change(to, vital(to), func() error { return g.FS.Link(from, to) })
}

func (g *guard) Remove(name string) error {
	return g.change(name, false, func() error { return g.FS.Remove(name) })
}

func (g *guard) RemoveAll(name string) error {
	return g.change(name, false, func() error { return g.FS.RemoveAll(name) })
}

func (g *guard) manifestSynced(name string, size int64) {
	if g.tally == nil {
		return
	}
	if err := g.tally.writeManifest(name, size); err != nil {
		g.state.fail(err)
	}
}

// guardedFile is a file that is written, or a directory.
type guardedFile struct {
	vfs.File
	guard   *guard
	name    string
	vital   bool
	written int64 // if it was written from its beginning
	linked  bool  // its name is durable
}

func (f *guardedFile) Write(b []byte) (int, error) {
	written := 0
	err := f.guard.change(f.name, f.vital, func() error {
		n, err := f.File.Write(b[written:])
		written += n
		f.written += int64(n)
		return err
	})
	if err != nil {
		return written, err
	}
	return len(b), nil
}

func (f *guardedFile) WriteAt(b []byte, at int64) (int, error) {
	written := 0
	err := f.guard.change(f.name, f.vital, func() error {
		n, err := f.File.WriteAt(b[written:], at+int64(written))
		written += n
		return err
	})
	if err != nil {
		return written, err
	}
	return len(b), nil
}

// Sync also makes the name of a manifest durable the first time: the database has
// another file name a new manifest before it syncs the directory.
func (f *guardedFile) Sync() error {
	return f.guard.change(f.name, f.vital, func() error { return final(f.sync()) })
}

func (f *guardedFile) sync() error {
	if err := f.File.Sync(); err != nil || !isManifest(f.name) {
		return err
	}
	if !f.linked {
		if err := syncDir(f.guard.FS, path.Dir(f.name)); err != nil {
			return err
		}
		f.linked = true
	}
	f.guard.manifestSynced(path.Base(f.name), f.written)
	return nil
}

func (f *guardedFile) SyncData() error {
	return f.guard.change(f.name, f.vital, func() error { return final(f.File.SyncData()) })
}

func (f *guardedFile) SyncTo(length int64) (full bool, err error) {
	err = f.guard.change(f.name, f.vital, func() error {
		full, err = f.File.SyncTo(length)
		return final(err)
	})
	return full, err
}

// final is the error of a sync, which is not tried again whatever it is: a second
// one may succeed although what the first one had to write is gone.
func final(err error) error {
	if err != nil && passes(err) {
		return fmt.Errorf("sync: %s", err.Error())
	}
	return err
}

// Preallocate may fail: space is waited for when it is written to.
func (f *guardedFile) Preallocate(offset, length int64) error {
	return f.guard.change(f.name, f.vital, func() error {
		if err := f.File.Preallocate(offset, length); err != nil && !passes(err) {
			return err
		}
		return nil
	})
}
