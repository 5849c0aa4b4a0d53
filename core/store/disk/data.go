package disk

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
)

// data is all that is stored, as of the group under way: what is committed, what is
// in the group's batch, and what is kept of it in memory. It is used under
// Store.applying.
type data struct {
	db    *pebble.DB
	tally *tally
	owner func(user string) int
	log   *slog.Logger
	batch *pebble.Batch // of the group; indexed: operations see those before them
	now   time.Time

	counts
	held      []int               // pairs by the loop that owns their user; goes back with users
	users     map[string]*user    // who have a message
	refs      map[uint64]int      // of messages that several users share, how many do
	histories map[string]*history // of groups
	given     map[givenPair]struct{}
	sharing   recent[*envelope.Message, uint64] // where those lie that several users share
	recent    recent[place, *envelope.Message]  // what ends soon is not read again

	// What undoes the group: see touch and onUndo.
	group   uint64
	before  counts
	touched []user
	undo    []func()

	key   [512]byte // scratch of keys; what does not fit is made anew
	value []byte    // scratch of set
}

// counts are the numbers that go back with a group.
type counts struct {
	pairs     int
	highest   uint64 // Order
	written   uint64 // the highest Order that the database has
	payload   uint64 // the last number of a shared message
	notice    uint64 // the last one's number
	nextEnd   uint64 // instant before which nothing expires
	keptSince uint64 // instant before which no remembered id is kept
	commits   uint64 // see tally
}

// user is what is kept in memory of a user who has a message.
type user struct {
	name            string
	pairs, messages int
	bytes           int
	lowest, highest uint64 // no entry lies outside
	carried         uint64 // the highest order that an earlier run has left; 0: none

	group uint64 // that touched it
	self  *user  // in a copy: whose it is
}

// givenPair is a receiver's message with a collapse key that Page handed out: it is
// replaced no more.
type givenPair struct {
	user   *user
	order  uint64
	device string
}

// Bounds of what is kept in memory of messages that were put lately.
const (
	recentMax      = 8192
	recentBytesMax = 4 << 20
)

func newData(db *pebble.DB, t *tally, cfg *Config) *data {
	return &data{
		db: db, tally: t, owner: cfg.Owner, log: cfg.Log, users: map[string]*user{}, refs: map[uint64]int{}, histories: map[string]*history{},
		given: map[givenPair]struct{}{}, counts: counts{nextEnd: math.MaxUint64},
		sharing: newRecent[*envelope.Message, uint64](recentMax, recentBytesMax),
		recent:  newRecent[place, *envelope.Message](recentMax, recentBytesMax),
	}
}

// begin begins a group.
func (d *data) begin(now time.Time) {
	d.batch = d.db.NewIndexedBatch()
	d.now = now
	d.group++
	d.before = d.counts
	d.touched = d.touched[:0]
	clear(d.undo)
	d.undo = d.undo[:0]
}

// commit makes the group durable. An error is final: what is on the disk is not
// known then, and the database takes nothing more.
func (d *data) commit() error {
	defer func() { _ = d.batch.Close() }()
	if !d.batch.Empty() {
		d.commits++
		d.set([]byte{keyCommits}, binary.AppendUvarint(begin(d.value), d.commits))
		if d.highest != d.written {
			d.written = d.highest
			d.set([]byte{keyHighest}, binary.AppendUvarint(begin(d.value), d.highest))
		}
		if err := d.db.Apply(d.batch, pebble.Sync); err != nil {
			return err
		}
		if err := d.tally.write(d.commits); err != nil {
			return err
		}
	}
	d.dropEmpty()
	return nil
}

// rollback takes the group back.
func (d *data) rollback() {
	_ = d.batch.Close()
	for i := len(d.undo) - 1; i >= 0; i-- {
		d.undo[i]()
	}
	d.counts = d.before
	for i := range d.touched {
		before := d.touched[i]
		d.held = store.Hold(d.held, d.owner(before.name), before.pairs-before.self.pairs)
		*before.self, before.self.self = before, nil
	}
	d.dropEmpty()
	d.recent.clear()
}

// dropEmpty forgets users of whom nothing is left.
func (d *data) dropEmpty() {
	for i := range d.touched {
		if u := d.touched[i].self; u.messages == 0 {
			delete(d.users, u.name)
		}
	}
}

// touch is called before a user is changed.
func (d *data) touch(u *user) {
	if u.group == d.group {
		return
	}
	before := *u
	before.self = u
	d.touched = append(d.touched, before)
	u.group = d.group
}

// onUndo says how to take back what is not in counts and users.
func (d *data) onUndo(f func()) { d.undo = append(d.undo, f) }

func (d *data) makeUser(name string) *user {
	u := d.users[name]
	if u == nil {
		u = &user{name: name, lowest: math.MaxUint64}
		d.users[name] = u
	}
	d.touch(u)
	return u
}

// apply does one operation. After an error the group has to be rolled back.
func (d *data) apply(op *store.Op, to *store.Answers) (a store.Answer, err error) {
	a = store.Answer{Kind: op.Kind, Token: op.Token, User: op.User}
	switch op.Kind {
	case store.Put:
		err = d.put(op, &a)
	case store.Remove:
		err = d.remove(op, &a)
	case store.RemoveMessage:
		err = d.removeMessage(op, &a, to)
	case store.Page:
		err = d.page(op, &a)
	case store.PutDevice:
		d.putDevice(op)
	case store.ForgetDevice:
		err = d.forgetDevice(op, &a)
	case store.PutMember:
		d.putMember(op.User, op.Group)
	case store.RemoveMember:
		d.removeMember(op.User, op.Group)
	case store.Dissolve:
		err = d.dissolve(op.Group)
	case store.EraseUser:
		err = d.eraseUser(op, &a)
	case store.Touch: // Nothing here has a deadline of memory_wait.
	case store.EndSession:
		err = d.endSession(op, &a)
	case store.Owe:
		err = d.owe(op, &a)
	case store.Told:
		err = d.told(op.Owed)
	case store.Find:
		err = d.find(op, &a)
	case store.Remember:
		d.remember(op)
	case store.Append:
		err = d.append(op, &a)
	case store.Replay:
		err = d.replay(op, &a)
	}
	return a, err
}

// set writes a value that begin began. The batch copies both.
func (d *data) set(key, value []byte) {
	d.value = seal(key, value)
	_ = d.batch.Set(key, d.value, nil) // A batch in memory does not fail.
}

// mark writes an empty value: of an index.
func (d *data) mark(key []byte) { d.set(key, begin(d.value)) }

func (d *data) delete(key []byte) {
	_ = d.batch.Delete(key, nil)
}

// get reads a value; read reads its content, which is valid during the call.
func (d *data) get(key []byte, read func(c *content)) (found bool, err error) {
	value, closer, err := d.batch.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, readError(key, err)
	}
	defer func() { _ = closer.Close() }()
	c, err := unseal(key, value)
	if err != nil {
		return false, err
	}
	read(&c)
	return true, c.close(key)
}

// scan reads what lies from one key to before another, until f says that it is
// enough. What it is given is valid during the call. It may change the group: a scan
// sees what was when it began.
func (d *data) scan(from, to []byte, f func(key []byte, c *content) (more bool, err error)) (err error) {
	iter, err := d.batch.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return readError(from, err)
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	return each(iter, f)
}

func each(iter *pebble.Iterator, f func(key []byte, c *content) (more bool, err error)) error {
	for iter.First(); iter.Valid(); iter.Next() {
		value, err := iter.ValueAndErr()
		if err != nil {
			return readError(iter.Key(), err)
		}
		c, err := unseal(iter.Key(), value)
		if err != nil {
			return err
		}
		if more, err := f(iter.Key(), &c); err != nil || !more {
			return err
		}
	}
	if err := iter.Error(); err != nil {
		return readError(iter.Key(), err)
	}
	return nil
}

// readError says of a read that failed what was read; damage that the database
// found is damage.
func readError(key []byte, err error) error {
	if pebble.IsCorruptionError(err) {
		return errors.Join(damaged(key, err.Error()))
	}
	return err
}
