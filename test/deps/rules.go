package deps

import "slices"

// The reasons are for whoever broke a rule and wonders why it stands. Packages that do not exist yet are named too.

// bans says which package may not know which. Model: the order of packages in docs/architecture.md.
var bans = slices.Concat(
	order("a plugin author's imports stay small: the frames know nothing, the interface knows the frames, all else comes after",
		[]string{"./sdk/wire"}, []string{"./sdk"}, []string{"./plugins/..."}, []string{"./cmd/..."}),
	order("a plugin is served out of process by a layer over the interface, which knows nothing of it",
		[]string{"./sdk"}, []string{"./sdk/pluginrpc"}, []string{"./sdk/serve"}),
	order("a shard is built from smaller states, each of which is understood and tested without the larger ones",
		[]string{"./core/wheel"}, []string{"./core/ack"}, []string{"./core/session"}, []string{"./core/group"}, []string{"./core/shard"}),
	order("envelopes go host, dispatcher, loop: what is called does not know its caller",
		[]string{"./core/loop", "./core/ring"}, []string{"./core/dispatch"}, []string{"./core/host"}),
	order("the parts meet in core, and only the binary knows core: a part that knew it would know all parts",
		[]string{"./core/*"}, []string{"./core"}, []string{"./cmd/..."}),
	apart("./plugins/tcp", "./plugins/ws", "./plugins/kcp", "./plugins/mq/kafka", "./plugins/mq/rabbitmq"),
	[]Ban{
		{
			From: []string{"./sdk", "./sdk/wire", "./sdk/nearest"}, To: []string{external}, Tests: TestsFree,
			Why: "whoever writes a plugin takes these along, so they need the standard library only",
		},
		{
			From: []string{"./sdk/..."}, To: []string{".", "./core/...", "./plugins/..."}, Tests: TestsToo,
			Why: "the interface is what third parties see of us: it cannot lean on our side of it",
		},
		{
			From: []string{"./core/..."}, To: []string{"./plugins/..."}, Tests: TestsToo,
			Why: "the core knows no protocol; cmd/pushcore lists the plugins",
		},
		{
			From: []string{"./plugins/...", "./examples/..."}, To: []string{".", "./core/...", "./cmd/..."}, Tests: TestsToo,
			Why: "ours are written as a third party would write them, with the sdk alone",
		},
		{
			From: []string{"./examples/..."}, To: []string{"./plugins/..."}, Tests: TestsToo,
			Why: "an example shows what a third party can do, and he has no use for our plugins' insides",
		},
		{
			From: []string{"./examples/plugins/..."}, To: []string{external}, But: []string{"golang.org/x/sys/..."}, Tests: TestsFree, Direct: true,
			Why: "authors copy these plugins: what they need besides the sdk has to be small, and known",
		},
		{
			From: stateful, To: []string{"./core/loop", "./core/dispatch", "./core/host", "./plugins/..."}, Tests: TestsFree,
			Why: "state is moved by these, it does not know them: that is how the simulation runs it without them",
		},
		{
			From: stateful, To: []string{"net", "os", "os/...", "syscall", "golang.org/x/sys/..."}, Tests: TestsFree, Direct: true,
			Why: "state is a function of what it is told, and has no socket and no file",
		},
		{
			From: []string{"./..."}, Except: []string{"./sdk/serve/...", "./sdk/pluginrpc/...", "./core/host/...", "./test/foreign"},
			To: []string{"google.golang.org/grpc/..."}, Tests: TestsToo, Direct: true,
			Why: "remote calls belong to the plugin boundary; nobody else pays for them",
		},
		{
			From: []string{"./test/chaos/check", "./test/chaos/stranger"},
			To:   []string{external, ".", "./core/...", "./sdk/...", "./plugins/...", "./cmd/..."}, Tests: TestsToo,
			Why: "who judges the node shares no code with it, or a mistake in that code would hide itself",
		},
		{
			From: []string{"./..."}, Except: []string{"./test/..."}, To: []string{"./test/..."}, Tests: TestsFree,
			Why: "what is made for tests does not ship",
		},
	},
)

// apart is for plugins: each with its own packages and with those that are there to be shared, none with another's.
func apart(plugins ...string) []Ban {
	shared := []string{"./plugins/internal/...", "./plugins/mq/internal/..."}
	between := func(from, except, but []string) Ban {
		return Ban{From: from, Except: except, To: []string{"./plugins/..."}, But: but, Tests: TestsToo,
			Why: "a plugin can be taken out, or run in a process of its own, without the others; what two share is in an internal folder"}
	}
	inner := between(shared, nil, shared)
	inner.Tests = TestsFree // What is shared is tested with those that share it.
	list := []Ban{inner}
	ruled := slices.Clone(shared)
	for _, p := range plugins {
		own := []string{p + "/..."}
		list = append(list, between(own, nil, slices.Concat(own, shared)))
		ruled = append(ruled, own...)
	}
	return append(list, between([]string{"./plugins/..."}, ruled, shared)) // Plugins not named yet.
}

// stateful packages own data, are told the time, and return effects. Motion packages run them.
var stateful = []string{
	"./core/ring", "./core/wheel", "./core/ack", "./core/session", "./core/group", "./core/fates", "./core/shard", "./core/admit",
	"./core/compress", "./sdk/wire",
}

// motions are what stateful packages leave to others, by the package that offers it.
var motions = []Motion{
	{Package: "time", Names: []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
		Why: "state is told the time, so that the simulation can make it run as it likes"},
	{Package: "sync", Names: []string{"Mutex", "RWMutex", "Cond", "WaitGroup", "Map"},
		Why: "one loop owns the state; a lock would say that it does not"},
	{Package: "math/rand", But: []string{"New", "NewSource", "Rand", "Source"}, Why: chance},
	{Package: "math/rand/v2", But: []string{"New", "NewPCG", "NewChaCha8", "Rand", "Source", "PCG", "ChaCha8"}, Why: chance},
	{Package: "crypto/rand", But: []string{"Reader"}, Why: chance}, // As the default of what a caller may set.
	{Package: "net/http", But: []string{"Status*"}, Why: "state has no socket; the status codes are only numbers"},
}

const chance = "chance comes from a generator that the caller gives, so that a seed repeats a run"

// goroutines is why stateful packages have none, and no channels.
const goroutines = "a loop's turn runs the state to its end; what runs beside it cannot be simulated"

// words are not to be found in the core's code, whatever the case. Test files may use them: they name plugins as users do.
var words = Words{
	In:     []string{"./core/..."},
	Except: []string{"./core/admin/..."}, // It listens, and has to say on what.
	Words:  []string{"tcp", "websocket", "kcp", "kafka"},
	Why:    "a protocol's need becomes a small optional interface in sdk, never a branch in the core",
}

// names are what packages are not called.
var names = Names{
	Names: []string{"util", "utils", "common", "helper", "helpers", "types", "misc"},
	Why:   "a package is named for what it provides; these collect what nobody looks for",
}

// Check lists all breaches of all rules.
func (t *Tree) Check() []Breach {
	found := t.Banned(bans)
	found = append(found, t.Moving(stateful, motions)...)
	found = append(found, t.Said(words)...)
	found = append(found, t.Named(names)...)
	sortBreaches(found)
	return found
}
