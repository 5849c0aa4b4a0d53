package process

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

const (
	startTimeout = 10 * time.Second // from the start to the answer to Info
	callTimeout  = 10 * time.Second // of Configure, Attach and Check
	openTimeout  = time.Minute      // of Open: a broker may be slow to answer
)

// Config says what to start. The caller does not change what it refers to.
type Config struct {
	// Instance is the name in the configuration, for logs and errors.
	Instance string
	// Part counts the processes of an instance, from 0.
	Part int
	// Shared says that the instance has other processes, which listen on the same
	// addresses.
	Shared bool
	// Command is the executable and its arguments. Without a slash the executable
	// is looked for in PATH. See BuiltIn.
	Command []string
	// BuiltIn is the name of a plugin that is a part of this program: whichever
	// file of the program Command names, it is the same plugin.
	BuiltIn string
	// SHA256 is the checksum of the executable in hex. Empty: not checked.
	SHA256 string
	// Env is added to what every plugin gets: PATH, HOME, LANG, TMPDIR and TZ.
	Env map[string]string
	// DataDir is the node's data directory. Empty: a runtime that comes back
	// cannot find the process, which therefore ends with this one.
	DataDir string
	// MemoryMax is how many bytes of memory the process may have resident; beyond
	// it the process is killed. 0: no bound.
	MemoryMax int64
	// StartTimeout bounds the time from the start to the answer to Info. 0: 10 s.
	StartTimeout time.Duration
	// Runtime is this program's version, for the plugin's log.
	Runtime string
	// Log is the instance's logger: what the plugin says goes there.
	Log *slog.Logger
}

// ForPart is the configuration of one of an instance's processes.
func (c Config) ForPart(part int) Config {
	c.Part = part
	return c
}

// self is what a process can execute to be the same program again, also when its
// file has been replaced since.
const self = "/proc/self/exe"

// BuiltIn is the command that runs a plugin of this binary.
func BuiltIn(name string) ([]string, error) {
	program := self
	if runtime.GOOS != "linux" {
		path, err := os.Executable()
		if err != nil {
			return nil, err
		}
		program = path
	}
	return []string{program, "plugin", "serve", name}, nil
}

// args are the arguments of the process, of which the first is its name for `ps`.
func (c *Config) args() []string {
	args := slices.Clone(c.Command)
	if args[0] == self {
		args[0] = os.Args[0]
	}
	return args
}

// title is the command for people.
func (c *Config) title() string {
	words := slices.Clone(c.Command)
	if len(words) > 0 && words[0] == self {
		words[0] = "pushcore"
	}
	return strings.Join(words, " ")
}

func (c *Config) startTimeout() time.Duration { return cmp.Or(c.StartTimeout, startTimeout) }

// passed are the variables that a plugin inherits: those that programs expect, and
// the one by which an operator chooses the carrier of all links.
var passed = []string{"PATH", "HOME", "LANG", "TMPDIR", "TZ", pluginrpc.CarrierKey}

// environ is the whole environment of the process: no secret of the runtime's
// comes along. What go-plugin adds is handshake.
func (c *Config) environ(handshake []string, socketDir string) []string {
	env := map[string]string{}
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			env[name] = value
		}
	}
	if c.MemoryMax > 0 {
		env["GOMEMLIMIT"] = memoryGoal(c.MemoryMax)
	}
	for name, value := range c.Env {
		env[name] = value
	}
	for _, pair := range handshake {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	env[pluginrpc.SocketDirKey] = socketDir
	if c.Shared {
		env[pluginrpc.SharedKey] = "1"
	}
	env[pluginrpc.LogLevelKey] = c.logLevel()
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// logLevel is the lowest level that is logged.
func (c *Config) logLevel() string {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if c.Log.Enabled(context.Background(), l) {
			return strings.ToLower(l.String())
		}
	}
	return "error"
}
