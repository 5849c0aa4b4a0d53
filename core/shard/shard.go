package shard

import (
	"math/rand/v2"
	"time"

	"github.com/pushcore/pushcore/core/ack"
	"github.com/pushcore/pushcore/core/compress"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/fates"
	"github.com/pushcore/pushcore/core/group"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/wheel"
	"github.com/pushcore/pushcore/sdk"
)

// tick is the resolution of timers.
const tick = 50 * time.Millisecond

// Shard is everything that one loop owns. All methods are the loop's.
type Shard struct {
	cfg     Config // immutable
	now     Now
	effects Effects
	past    *fates.History
	random  *rand.Rand
	stats   Stats

	users    map[string]*session.User
	groups   map[string]*group.Group
	conns    map[connKey]*session.Session // of sessions that have a connection
	arrivals map[connKey]*arrival         // devices on their way in, on the accepting shard
	letIn    []letIn                      // handed to other shards a moment ago
	doomed   map[connKey]doom             // closed before they got here: told when they do
	slots    []*session.Session           // by Session.Slot; nil: free
	free     []uint32
	detached int

	instances []instance         // by plugin index
	unkept    []*session.Session // to tell their plugins what to keep

	windows *ack.Windows[*session.Pair]
	wheel   *wheel.Wheel[uint32] // Session.Slot
	due     []uint32
	unseen  *wheel.Wheel[*session.User] // devices to be forgotten
	overdue []*session.User
	order   uint64 // of the last message accepted
	stamp   uint64 // counts acceptances
	batch   uint64 // counts batches
	epochs  uint64

	parts  map[envelope.RecordID]*session.Part // the dispatcher waits for
	pairs  []*session.Pair                     // free ones
	dirty  []*session.Session                  // to serve, first come first served
	served []*session.Session                  // in the batch at hand
	items  []ack.Item[*session.Pair]           // scratch
	chosen []*session.Pair                     // scratch
	away   []awayPut                           // scratch: Puts of one acceptance
	codecs *compress.Registry
	packed []byte // scratch

	token     uint64
	jobs      map[uint64]*job      // by token: the store has no answer yet
	failed    []*job               // of these, to be tried again; by token
	line      []*session.Session   // wait to read pages until fewer jobs are there
	behind    int                  // sessions that are behind
	looks     uint64               // counts looks at failed
	removing  map[pairKey]int      // ended here, Removes under way
	ghosts    map[pairKey]struct{} // of these, what the store counts still
	held      int                  // pairs of the shard's users in the store, by its own count as of the answers that came
	told      map[uint64]*notice   // by token: notices under way
	untold    []*notice            // of these lines' first, to be tried again
	ready     []*notice            // to be published when fewer are under way
	lines     map[lineKey][]*notice
	notices   int               // in lines
	events    int               // of these
	leaving   map[pairKey]*debt // of pairs whose Remove is under way
	debts     *wheel.Wheel[*debt]
	overdebts []*debt           // scratch
	recalling bool              // notices of earlier runs are lined up
	uplinks   map[uint64]uplink // by token
	upBytes   int
	chores    time.Duration // when failed, untold and what has no name yet are looked at

	draining  uint16 // close code; 0: no
	vacating  bool   // another process is about to take over
	moves     moves  // how devices are sent away while draining
	accepting bool   // a message's receivers are being found
	based     bool   // order has begun
}

// connKey names a connection of the node.
type connKey struct {
	plugin int
	conn   sdk.ConnID
}

// New makes a shard. Load it with what the store carried before its first turn.
func New(cfg Config) (*Shard, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	windows, err := ack.NewWindows[*session.Pair](cfg.Ack)
	if err != nil {
		return nil, err
	}
	s := &Shard{
		cfg: cfg, past: fates.New(cfg.HistoryBytes), windows: windows, wheel: wheel.New[uint32](tick, 0), unseen: wheel.New[*session.User](forgetTick, 0), codecs: compress.NewRegistry(),
		random: rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.ID))),
		users:  map[string]*session.User{}, groups: map[string]*group.Group{},
		conns: map[connKey]*session.Session{}, arrivals: map[connKey]*arrival{}, doomed: map[connKey]doom{},
		parts: map[envelope.RecordID]*session.Part{}, jobs: map[uint64]*job{},
		removing: map[pairKey]int{}, ghosts: map[pairKey]struct{}{}, told: map[uint64]*notice{}, lines: map[lineKey][]*notice{}, leaving: map[pairKey]*debt{}, debts: wheel.New[*debt](tick, 0), uplinks: map[uint64]uplink{},
	}
	s.effects.Plugins = make([]PluginEffects, len(cfg.Plugins))
	s.instances = make([]instance, len(cfg.Plugins))
	return s, nil
}

// Load tells what the store holds of the shard's users, and the highest order it
// has given. It is called before the first turn.
func (s *Shard) Load(now Now, carried []store.Carried, order uint64) {
	s.Begin(now)
	s.order = max(s.order, order)
	for i := range carried {
		c := &carried[i]
		u := s.user(c.User)
		for _, d := range c.Devices {
			u.Devices = append(u.Devices, session.Device(d))
		}
		s.watchDevices(u)
		u.Stored = c.Pairs
		s.stats.Books.Carried += uint64(c.Pairs)
		s.held += c.Pairs
		for _, name := range c.Groups {
			s.addMember(s.group(name), u)
		}
	}
}

// Begin starts a turn.
func (s *Shard) Begin(now Now) {
	s.now = now
	if !s.based {
		s.based = true
		s.order = max(s.order, uint64(max(0, now.Wall.UnixNano())))
	}
}

// Handle takes one input of the mailbox.
func (s *Shard) Handle(in envelope.Input) {
	switch in := in.(type) {
	case *envelope.Deliver:
		s.accept(in)
	case *envelope.Control:
		s.control(in)
	case *envelope.GroupConfirmed:
		s.confirmed(in)
	case *envelope.StoreNow:
		s.storeUpTo(in.UpTo)
	case *PostedEvents:
		s.Events(in.Plugin, in.Events)
	case *AuthResult:
		s.authenticated(in)
	case *StoreAnswers:
		for i := range in.Answers {
			s.stored(&in.Answers[i])
		}
		s.counted(in.Answers)
	case *Published:
		for i := range in.Results {
			s.published(&in.Results[i])
		}
	case *Query:
		s.query(in)
	case *PluginDown:
		s.pluginDown(in)
	case *Drain:
		s.drain(in.Code)
	case *Move:
		s.move(in)
	case *Vacate:
		s.vacate()
	case *FromPeer:
		s.fromPeer(in)
	}
}

// Events takes what a transport instance reports, in order. The slice and what it
// refers to are the caller's again on return.
func (s *Shard) Events(plugin int, events []sdk.Event) {
	for i := range events {
		s.event(plugin, &events[i])
	}
}

func (s *Shard) event(plugin int, e *sdk.Event) {
	if e.Conn == 0 {
		s.instanceEvent(plugin, e)
		return
	}
	key := connKey{plugin, e.Conn}
	if e.Kind == sdk.EventConnect {
		s.connect(key, e.Connect)
		return
	}
	ses := s.conns[key]
	if ses == nil {
		switch e.Kind {
		case sdk.EventAttached:
			if !s.closeDoomed(key) {
				s.attachedEarly(key)
			}
		case sdk.EventClosed:
			s.closedEarly(key)
		}
		return // A connection that was taken over, or has ended for us.
	}
	switch e.Kind {
	case sdk.EventAttached:
		s.attached(ses)
	case sdk.EventAck:
		s.acked(ses, e.Seq, e.Ranges)
	case sdk.EventNack:
		s.nacked(ses, e)
	case sdk.EventUplink:
		s.uplink(ses, e)
	case sdk.EventJoin:
		s.deviceJoins(ses, e.Group, e.Position)
	case sdk.EventLeave:
		s.deviceLeaves(ses, e.Group)
	case sdk.EventRefresh:
		s.refresh(ses, e.Credentials)
	case sdk.EventCongested:
		s.congest(ses)
	case sdk.EventWritable:
		s.writable(ses)
	case sdk.EventClosed:
		s.stats.close(plugin, e.Code)
		ses.Lost = e.Code
		s.connectionLost(ses)
	}
}

// Effects is what the turn so far has for the world, until Reset.
func (s *Shard) Effects() *Effects { return &s.effects }

// Reset empties the effects and keeps their memory.
func (s *Shard) Reset() {
	s.countBatches()
	e := &s.effects
	for i := range e.Plugins {
		p := &e.Plugins[i]
		clear(p.Commands)
		clear(p.Batch.Messages)
		clear(p.Closing)
		p.Commands, p.Closing = p.Commands[:0], p.Closing[:0]
		p.Batch.Messages, p.Batch.Items = p.Batch.Messages[:0], p.Batch.Items[:0]
	}
	clear(e.Peers)
	clear(e.Reports)
	clear(e.Store)
	clear(e.Auth)
	clear(e.Publish)
	clear(e.Answers)
	clear(e.Fates)
	e.Peers, e.Reports, e.Store = e.Peers[:0], e.Reports[:0], e.Store[:0]
	e.Auth, e.Publish, e.Answers = e.Auth[:0], e.Publish[:0], e.Answers[:0]
	e.Fates = e.Fates[:0]
	s.batch++
}

// NextDue is the instant of the next timer, and whether there is one.
func (s *Shard) NextDue() (time.Duration, bool) {
	at, ok := s.wheel.Next()
	if forget, some := s.unseen.Next(); some && (!ok || forget < at) {
		at, ok = forget, true
	}
	if owe, some := s.debts.Next(); some && (!ok || owe < at) {
		at, ok = owe, true
	}
	for _, t := range [...]time.Duration{s.chores, s.moves.next} {
		if t > 0 && (!ok || t < at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// user returns the user of an id, new or known.
func (s *Shard) user(id string) *session.User {
	u := s.users[id]
	if u == nil {
		u = &session.User{ID: id}
		s.users[id] = u
	}
	return u
}

// forgetIdle drops a user of whom nothing is left.
func (s *Shard) forgetIdle(u *session.User) {
	if s.users[u.ID] == u && u.Idle() && !(s.accepting && u.Put.Stamp == s.stamp) {
		s.unseen.Cancel(u.Timer)
		delete(s.users, u.ID)
	}
}

func (s *Shard) nextToken() uint64 {
	s.token++
	return s.token
}

// command gives a transport instance a command.
func (s *Shard) command(plugin int, c sdk.Command) {
	p := &s.effects.Plugins[plugin]
	p.Commands = append(p.Commands, c)
}

// markDirty puts a session on the list to serve.
func (s *Shard) markDirty(ses *session.Session) {
	if !ses.Dirty && ses.Live() {
		ses.Dirty = true
		s.dirty = append(s.dirty, ses)
	}
}
