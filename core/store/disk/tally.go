package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// tally is a file beside the database that says how many groups were committed, and
// how much of which manifest was synced. The database cannot always tell the damaged
// end of its log or manifest from one that was torn by a crash, and cuts off both;
// against the tally, what is missing shows.
//
// It is written after each commit and synced only now and then. So after the end of
// the process it is exact, and after that of the machine it may be behind, which
// loses nothing but a chance to find damage.
//
//	slots 0, 1   commits 8 bytes | 0 8 bytes | checksum 4 bytes
//	slots 2, 3   number of the manifest 8 bytes | size 8 bytes | checksum 4 bytes
//
// each in a sector of its own. Two slots are written in turn, so that a torn write
// leaves the other.
type tally struct {
	file vfs.File

	// Of the engine's goroutine.
	synced time.Time
	dirty  bool

	mu        sync.Mutex // guards manifests
	manifests uint64     // written
}

// tallied is what a tally says.
type tallied struct {
	commits        uint64
	manifest, size uint64
}

const (
	tallyName  = "TALLY"
	tallySlot  = 512
	tallyBytes = 8 + 8 + crc32.Size
	tallySlots = 4
	tallyEvery = 50 * time.Millisecond

	manifestPrefix = "MANIFEST-"
)

// openTally opens the file, or makes it, and says what it says.
func openTally(fs vfs.FS, dir string) (t *tally, said tallied, err error) {
	name := fs.PathJoin(dir, tallyName)
	file, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, tallied{}, err
	}
	t = &tally{file: file}
	said, err = t.read()
	if err == nil {
		err = syncDir(fs, dir)
	}
	if err != nil {
		return nil, tallied{}, errors.Join(fmt.Errorf("%s: %w", name, err), file.Close())
	}
	return t, said, nil
}

func (t *tally) read() (said tallied, err error) {
	var b [tallySlots * tallySlot]byte
	n, err := t.file.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return said, err
	}
	good := n == 0
	for i := 0; i*tallySlot+tallyBytes <= n; i++ {
		slot := b[i*tallySlot:][:tallyBytes]
		if binary.LittleEndian.Uint32(slot[16:]) != crc32.Checksum(slot[:16], castagnoli) {
			continue
		}
		good = true
		first, second := binary.LittleEndian.Uint64(slot), binary.LittleEndian.Uint64(slot[8:])
		switch {
		case i < 2:
			said.commits = max(said.commits, first)
		case first > said.manifest || first == said.manifest && second > said.size:
			said.manifest, said.size = first, second
		}
	}
	if !good {
		return said, fmt.Errorf("%w: it says nothing that is whole", ErrDamaged)
	}
	return said, nil
}

func (t *tally) writeSlot(i int, first, second uint64) error {
	var slot [tallyBytes]byte
	binary.LittleEndian.PutUint64(slot[:], first)
	binary.LittleEndian.PutUint64(slot[8:], second)
	binary.LittleEndian.PutUint32(slot[16:], crc32.Checksum(slot[:16], castagnoli))
	_, err := t.file.WriteAt(slot[:], int64(i)*tallySlot)
	return err
}

// write says that a number of groups was committed.
func (t *tally) write(commits uint64) error {
	t.dirty = true
	return t.writeSlot(int(commits%2), commits, 0) //nolint:gosec // 0 or 1.
}

// writeManifest says how much of a manifest was synced. Any goroutine may call it.
func (t *tally) writeManifest(name string, size int64) error {
	number, err := strconv.ParseUint(strings.TrimPrefix(name, manifestPrefix), 10, 64)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.manifests++
	return t.writeSlot(2+int(t.manifests%2), number, uint64(size)) //nolint:gosec // Not negative.
}

// checkManifest reads the manifest that was the last one as far as it was synced. One
// that is not there any more was replaced by another, or the database says so.
func (said tallied) checkManifest(fs vfs.FS, dir string) error {
	if said.manifest == 0 {
		return nil
	}
	name := fs.PathJoin(dir, fmt.Sprintf("%s%06d", manifestPrefix, said.manifest))
	file, err := fs.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	whole := int64(0) // up to the end of the last record that can be read
	records := record.NewReader(file, 0)
	for {
		one, err := records.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, one)
		}
		if err == nil {
			whole = records.Offset()
			continue
		}
		if whole < int64(said.size) { //nolint:gosec // As it was written.
			return fmt.Errorf("%w: %s cannot be read beyond byte %d of %d: %w", ErrDamaged, name, whole, said.size, err)
		}
		return nil
	}
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
