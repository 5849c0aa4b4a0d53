package process

import (
	"context"
	"errors"
	"os"
	"time"
)

// replaceWithin is how long a plugin that is replaced may take to close.
const replaceWithin = 10 * time.Second

var (
	errDown      = errors.New("the plugin's process is down")
	errUpgrading = errors.New("the plugin is being upgraded")
)

// replacing asks the goroutine that keeps a plugin running to end its process and
// to start another one.
type replacing struct {
	plugin *Plugin    // what starts it
	done   chan error // capacity 1
}

// successor is what starts a plugin now: the same command with the same options,
// of which the file may be another. sha256 is the checksum of that; empty: as
// before.
func (p *Plugin) successor(sha256 string) (*Plugin, error) {
	next := &Plugin{cfg: p.cfg, options: p.options}
	if name := next.cfg.BuiltIn; name != "" {
		path, err := os.Executable()
		if err != nil {
			return nil, err
		}
		next.cfg.Command = []string{path, "plugin", "serve", name}
	}
	if sha256 != "" {
		next.cfg.SHA256 = sha256
	}
	return next, nil
}

// Replace closes the plugin and starts it again: devices reconnect and resume. It
// is for plugins that Upgrade cannot do it for.
func (i *Instance) Replace(ctx context.Context, sha256 string) error {
	i.mu.Lock()
	plugin, down := i.plugin, i.proc == nil
	i.mu.Unlock()
	if down {
		return errDown
	}
	return replaceThrough(ctx, i.replacing, i.done, plugin, sha256)
}

// replaceThrough has run do it and waits for that.
func replaceThrough(ctx context.Context, ask chan<- *replacing, ended <-chan struct{}, plugin *Plugin, sha256 string) error {
	next, err := plugin.successor(sha256)
	if err != nil {
		return err
	}
	r := &replacing{plugin: next, done: make(chan error, 1)}
	select {
	case ask <- r:
	case <-ended:
		return errDown
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-ended:
		return errDown
	}
}
