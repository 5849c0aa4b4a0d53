package config

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/pushcore/pushcore/core/config/internal/tree"
	"github.com/pushcore/pushcore/sdk/nearest"
)

// Plugin is one instance in the section `plugins`. Its name there names it
// everywhere: in routes, metrics, logs and the scope of ids.
type Plugin struct {
	Name string `key:"-"`

	// Which plugin of this program it is. Empty, and without `command`: the one
	// that is called like the instance.
	Use string `key:"use"`
	// The executable of a third party's plugin, and its arguments. A path with a
	// slash is relative to the configuration file's directory, a name without
	// one is looked for in PATH. The arguments are handed on as they are, and the
	// process runs in this program's working directory. Exactly one of `use` and
	// `command` is written.
	//
	//	mqtt: { command: [./pushcore-mqtt], config: { listen: 127.0.0.1:1883 } }
	Command []string `key:"command"`
	// Where the plugin runs. In the core it costs least; in a process of its own
	// its faults stay its own, and connections outlive the core. The default is
	// the core for `use`; a `command` is always a process.
	Placement string `key:"placement" oneof:"core process"`
	// The SHA-256 of the executable, in hex: another file is not started. Only
	// for `command`.
	SHA256 string `key:"sha256"`
	// Variables of the process's environment. It gets these, and PATH, HOME,
	// LANG, TMPDIR and TZ, and nothing else of this program's environment.
	Env map[string]string `key:"env"`
	// Bounds of each process of the instance.
	Limits PluginLimits `key:"limits"`
	// How many processes share a transport's listeners, whose ports are then not
	// chosen by the system: one holds about 20,000 connections where descriptors
	// are bounded to that.
	Processes int `key:"processes" min:"1" max:"64"`
	// The plugin's own options, which only the plugin reads. A path in a key
	// that ends in `_file` is made relative to the configuration file's
	// directory.
	Options Options `key:"config"`
}

// PluginLimits bounds a plugin's process.
type PluginLimits struct {
	// The memory that it may have resident, at least 16MiB; beyond it the
	// process is killed and started again. 0: no bound.
	Memory Size `key:"memory" min:"0" max:"1TiB"`
}

// The values of Plugin.Placement.
const (
	PlacementCore    = "core"
	PlacementProcess = "process"
)

func (p *Plugin) setDefaults() { p.Processes = 1 }

// Options are a plugin's options as JSON, always an object. The bytes are shared
// and not to be changed.
type Options = json.RawMessage

// takenNames cannot name an instance: the first two are listeners of the node,
// the third is a word of routes.
var takenNames = []string{"http", "ops", Source}

// checkInstances reports names that cannot be.
func (at place) checkInstances(plugins []Plugin) {
	seen := map[string]bool{}
	for i := range plugins {
		name := plugins[i].Name
		switch here := at.key(name); {
		case !isInstanceName(name):
			here.fail("the name of an instance begins with a letter a-z; letters, digits and _ may follow")
		case slices.Contains(takenNames, name):
			here.fail("this name is taken: call the instance differently and say `use`")
		case seen[name]:
			here.fail("two instances have this name")
		}
		seen[name] = true
		at.key(name).checkSection(reflect.ValueOf(&plugins[i]).Elem())
	}
}

// isInstanceName says whether name is [a-z][a-z0-9_]*.
func isInstanceName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !('a' <= c && c <= 'z' || i > 0 && (c == '_' || '0' <= c && c <= '9')) {
			return false
		}
	}
	return name != ""
}

// Plugin is the instance of that name, or nil.
func (c *Config) Plugin(name string) *Plugin {
	for i := range c.Plugins {
		if c.Plugins[i].Name == name {
			return &c.Plugins[i]
		}
	}
	return nil
}

func (c *Config) pluginNames() []string {
	names := make([]string, len(c.Plugins))
	for i := range c.Plugins {
		names[i] = c.Plugins[i].Name
	}
	return names
}

// CheckUse reports instances of plugins that are not among known, the names of
// those that this program has.
func (c *Config) CheckUse(known []string) error {
	at := c.checks()
	for i := range c.Plugins {
		p := &c.Plugins[i]
		if len(p.Command) > 0 || slices.Contains(known, p.Use) {
			continue
		}
		use := at.key("plugins").key(p.Name).key("use")
		if near := nearest.Name(p.Use, known); near != "" {
			use.fail("no plugin is called %q (did you mean %s?)", p.Use, near)
		} else {
			use.fail("no plugin is called %q: there are %s", p.Use, listWords(known))
		}
	}
	return at.faults.Sorted()
}

// plugins reads the section `plugins`, in its order.
func (d *decoder) plugins(path string, n *tree.Node) []Plugin {
	if n.Kind == tree.Null {
		return nil
	}
	if n.Kind != tree.Map {
		d.mismatch(path, n, "a map of instances by name")
		return nil
	}
	instances := make([]Plugin, 0, len(n.Entries))
	for _, entry := range n.Entries {
		at := tree.Join(path, entry.Key)
		d.checkAdded(n, entry, at)
		instances = append(instances, d.plugin(entry, at))
	}
	return instances
}

// checkAdded reports an instance that a variable would add by a slip: one that is
// meant to be added says what it uses.
func (d *decoder) checkAdded(n *tree.Node, entry tree.Entry, at string) {
	if entry.Pos.Env == "" || entry.Value.Get("use") != nil || entry.Value.Get("command") != nil {
		return
	}
	text := "no instance has this name"
	if near := nearest.Name(entry.Key, writtenKeys(n)); near != "" {
		text += " (did you mean " + tree.EnvName(tree.Join("plugins", near)) + "?)"
	}
	d.faults.Add(entry.Pos, at, text+"; "+tree.EnvName(at+".use")+" would add it")
}

// writtenKeys are the keys that do not come from the environment.
func writtenKeys(n *tree.Node) []string {
	var keys []string
	for _, entry := range n.Entries {
		if entry.Pos.Env == "" {
			keys = append(keys, entry.Key)
		}
	}
	return keys
}

func (d *decoder) plugin(entry tree.Entry, at string) Plugin {
	p := Plugin{Name: entry.Key, Options: Options("{}")}
	p.setDefaults()
	d.structure(at, entry.Value, &p)
	if p.Use == "" && entry.Value.Get("command") == nil {
		p.Use = p.Name
		d.refuseValue(entry.Pos, at+".use", p.Use)
	}
	d.resolveCommand(p.Command)
	if p.Placement == "" {
		p.Placement = PlacementCore
		if p.Use == "" {
			p.Placement = PlacementProcess
		}
	}
	return p
}

// resolveCommand makes the path of an executable relative to the configuration
// file's directory; without a slash it is a name in PATH, and stays one.
func (d *decoder) resolveCommand(command []string) {
	if len(command) == 0 || !strings.ContainsRune(command[0], '/') {
		return
	}
	if command[0] = d.resolve(command[0]); !strings.ContainsRune(command[0], '/') {
		command[0] = "./" + command[0]
	}
}

// options makes JSON of a plugin's sub-tree.
func (d *decoder) options(path string, n *tree.Node) Options {
	if n.Kind != tree.Map {
		d.mismatch(path, n, "a map of options")
		return nil
	}
	d.resolveFiles(n)
	encoded, faults := tree.JSON(path, n)
	d.faults = append(d.faults, faults...)
	return encoded
}
