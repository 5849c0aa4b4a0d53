package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is how the store is laid out; see key.go.
const format = 1

// Open opens the store in a directory, or makes it; Start begins. Sessions of the run before are
// over. It fails if another process has it, if what is there is of a newer version,
// and if it is damaged (ErrDamaged).
func Open(cfg Config) (*Store, error) {
	began := time.Now()
	cfg.setDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, wake: make(chan struct{}, 1), failed: map[string]struct{}{}}
	s.state = state{log: cfg.Log, fs: cfg.FS, dir: cfg.Dir, reserve: cfg.ReserveBytes, closing: make(chan struct{})}
	if err := s.openFiles(); err != nil {
		return nil, fmt.Errorf("open the store in %s: %w", cfg.Dir, err)
	}
	found, err := s.load()
	if err == nil {
		err = s.state.failed()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the store in %s: %w", cfg.Dir, err), s.closeFiles())
	}
	s.state.look()
	found.log(&cfg, s.data, time.Since(began))
	return s, nil
}

// openFiles locks the directory and opens the database.
func (s *Store) openFiles() (err error) {
	fs := &guard{FS: s.cfg.FS, state: &s.state}
	if err := fs.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return err
	}
	if s.lock, err = lockDirectory(fs, &s.cfg); err != nil {
		return err
	}
	var t *tally
	if t, s.tallied, err = openTally(fs, s.cfg.Dir); err != nil {
		return errors.Join(err, s.lock.Close())
	}
	fs.tally = t
	if err := s.tallied.checkManifest(fs, s.cfg.Dir); err != nil {
		return errors.Join(err, t.close(), s.lock.Close())
	}
	if s.db, err = pebble.Open(s.cfg.Dir, s.options(fs)); err != nil {
		return errors.Join(openError(err), t.close(), s.lock.Close())
	}
	s.data = newData(s.db, t, &s.cfg)
	s.state.opened.Store(true)
	return nil
}

func openError(err error) error {
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

func (s *Store) options(fs vfs.FS) *pebble.Options {
	return &pebble.Options{
		FS:                 fs,
		Lock:               s.lock,
		FormatMajorVersion: pebble.FormatNewest, // from FormatWALSyncChunks on, damage in the log is told from a torn tail
		CacheSize:          s.cfg.CacheBytes,
		MemTableSize:       uint64(s.cfg.MemTableBytes), //nolint:gosec // Validated.
		LoggerAndTracer:    logger{&s.state},
		EventListener:      s.state.listener(),
	}
}

// closeFiles closes the database and gives the directory up.
func (s *Store) closeFiles() error {
	err := errors.Join(s.db.Close(), s.data.tally.close())
	return errors.Join(err, s.lock.Close())
}

// checkFormat refuses what this version cannot read, and marks what is new.
func (s *Store) checkFormat() error {
	key := []byte{keyFormat}
	var found uint64
	there, err := s.data.get(key, func(c *content) { found = c.uvarint() })
	switch {
	case err != nil:
		return err
	case there && found > format:
		return fmt.Errorf("its format %d is of a newer version, this one reads up to %d", found, format)
	case there:
		return s.checkTally()
	}
	if s.tallied.commits > 0 {
		return fmt.Errorf("%w: of %d commits none is there", ErrDamaged, s.tallied.commits)
	}
	return s.data.scan([]byte{0}, []byte{0xff}, func(key []byte, _ *content) (bool, error) {
		return false, fmt.Errorf("it holds something else: key %q and no format", key)
	})
}

// checkTally finds that groups are missing which were committed.
func (s *Store) checkTally() error {
	key := []byte{keyCommits}
	if _, err := s.data.get(key, func(c *content) { s.data.commits = c.uvarint() }); err != nil {
		return err
	}
	if s.data.commits < s.tallied.commits {
		return fmt.Errorf("%w: the end of its log or manifest is missing or unreadable: of %d commits the last %d are not there",
			ErrDamaged, s.tallied.commits, s.tallied.commits-s.data.commits)
	}
	return nil
}

// load reads what is there into memory, and ends what ended with the run before.
func (s *Store) load() (loaded, error) {
	d := s.data
	d.begin(s.cfg.Now())
	var l loaded
	err := s.checkFormat()
	if err == nil {
		err = l.read(d)
	}
	if err != nil {
		d.rollback()
		return l, err
	}
	d.set([]byte{keyFormat}, binary.AppendUvarint(begin(d.value), format))
	d.before = d.counts // Of a new group, nothing is to be taken back but the rest.
	if err := d.commit(); err != nil {
		return l, err
	}
	if err := l.endSessions(d, s.cfg.Now()); err != nil {
		return l, err
	}
	s.count()
	return l, nil
}
