package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// tally is a file beside the database that says how many groups were committed. The
// database cannot always tell the damaged end of its log or manifest from one that
// was torn by a crash, and cuts off both; against the tally, what is missing shows.
//
// It is written after each commit and synced only now and then. So after the end of
// the process it is exact, and after that of the machine it may be behind, which
// loses nothing but a chance to find damage.
//
//	slot 0 | slot 1   each: number 8 bytes | checksum 4 bytes, in a sector of its own
//
// The slots are written in turn, so that a torn write leaves the other.
type tally struct {
	file   vfs.File
	synced time.Time
	dirty  bool
}

const (
	tallyName  = "TALLY"
	tallySlot  = 512
	tallyBytes = 8 + crc32.Size
	tallyEvery = 50 * time.Millisecond
)

// openTally opens the file, or makes it, and says what it says.
func openTally(fs vfs.FS, dir string) (t *tally, commits uint64, err error) {
	name := fs.PathJoin(dir, tallyName)
	file, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, 0, err
	}
	t = &tally{file: file}
	commits, err = t.read()
	if err == nil {
		err = syncDir(fs, dir)
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("%s: %w", name, err), file.Close())
	}
	return t, commits, nil
}

func (t *tally) read() (commits uint64, err error) {
	var b [tallySlot + tallyBytes]byte
	n, err := t.file.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	good := n == 0
	for at := 0; at+tallyBytes <= n; at += tallySlot {
		slot := b[at : at+tallyBytes]
		if binary.LittleEndian.Uint32(slot[8:]) == crc32.Checksum(slot[:8], castagnoli) {
			commits = max(commits, binary.LittleEndian.Uint64(slot))
			good = true
		}
	}
	if !good {
		return 0, fmt.Errorf("%w: it says nothing that is whole", ErrDamaged)
	}
	return commits, nil
}

// write says that a number of groups was committed.
func (t *tally) write(commits uint64) error {
	var slot [tallyBytes]byte
	binary.LittleEndian.PutUint64(slot[:], commits)
	binary.LittleEndian.PutUint32(slot[8:], crc32.Checksum(slot[:8], castagnoli))
	_, err := t.file.WriteAt(slot[:], int64(commits%2)*tallySlot) //nolint:gosec // 0 or 1.
	t.dirty = true
	return err
}

// sync syncs what was written.
func (t *tally) sync() error {
	if !t.dirty {
		return nil
	}
	t.dirty, t.synced = false, time.Now()
	return t.file.Sync()
}

// due tells whether it was not synced for long.
func (t *tally) due() bool { return t.dirty && time.Since(t.synced) > 20*tallyEvery }

func (t *tally) close() error { return errors.Join(t.sync(), t.file.Close()) }

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
