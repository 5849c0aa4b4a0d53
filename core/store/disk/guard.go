package disk

import (
	"errors"
	"path"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard stands between the database and its file system. The database takes the
// failure of a write to its log or its manifest as its end, but a full disk is none:
// such a write waits here until there is space. Writes of tables fail; the database
// tries those again by itself.
type guard struct {
	vfs.FS
	state *state
	tally *tally // nil until it is open
}

func (g *guard) manifestSynced(name string, size int64) {
	if g.tally == nil {
		return
	}
	if err := g.tally.writeManifest(name, size); err != nil {
		g.state.fail(err)
	}
}

func isManifest(name string) bool { return strings.HasPrefix(path.Base(name), manifestPrefix) }

func (g *guard) Unwrap() vfs.FS { return g.FS }

// mustNotFail tells whether the database does not survive that a file is not written.
func mustNotFail(name string) bool {
	base := path.Base(name)
	return strings.HasSuffix(base, ".log") || isManifest(base) || strings.HasPrefix(base, "marker.") || base == tallyName
}

// passes tells whether a failure may pass by itself.
func passes(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// again does something until it does not fail for want of space.
func (g *guard) again(name string, do func() error) error {
	for {
		err := do()
		if err == nil || !mustNotFail(name) || !passes(err) || !g.state.waitForSpace(name, err) {
			return err
		}
	}
}

func (g *guard) open(name string, open func() (vfs.File, error)) (f vfs.File, err error) {
	err = g.again(name, func() error {
		f, err = open()
		return err
	})
	if err != nil || !mustNotFail(name) {
		return f, err
	}
	return &guardedFile{File: f, guard: g, name: name}, nil
}

func (g *guard) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.open(name, func() (vfs.File, error) { return g.FS.Create(name, category) })
}

func (g *guard) OpenReadWrite(name string, category vfs.DiskWriteCategory, options ...vfs.OpenOption) (vfs.File, error) {
	return g.open(name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, category, options...) })
}

func (g *guard) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return g.open(to, func() (vfs.File, error) { return g.FS.ReuseForWrite(from, to, category) })
}

func (g *guard) Rename(from, to string) error {
	return g.again(to, func() error { return g.FS.Rename(from, to) })
}

// guardedFile is a log or a manifest.
type guardedFile struct {
	vfs.File
	guard   *guard
	name    string
	written int64 // if it was written from its beginning
	linked  bool  // its name is durable
}

// Sync also makes the name durable the first time: the database has another file
// name a new manifest before it syncs the directory.
func (f *guardedFile) Sync() error {
	if err := f.File.Sync(); err != nil {
		return err
	}
	if !isManifest(f.name) {
		return nil
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

func (f *guardedFile) Write(b []byte) (written int, err error) {
	err = f.guard.again(f.name, func() error {
		n, err := f.File.Write(b[written:])
		written += n
		f.written += int64(n)
		return err
	})
	return written, err
}

func (f *guardedFile) WriteAt(b []byte, at int64) (written int, err error) {
	err = f.guard.again(f.name, func() error {
		n, err := f.File.WriteAt(b[written:], at+int64(written))
		written += n
		return err
	})
	return written, err
}

// Preallocate may fail: space is waited for when it is written to.
func (f *guardedFile) Preallocate(offset, length int64) error {
	if err := f.File.Preallocate(offset, length); err != nil && !passes(err) {
		return err
	}
	return nil
}
