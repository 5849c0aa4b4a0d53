package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/pushcore/pushcore/core/admin"
	"github.com/pushcore/pushcore/core/host/process"
)

// UpgradePlugin implements admin.Node: it replaces the processes of an instance, one
// after the other, by what their file is now.
func (r *Runtime) UpgradePlugin(ctx context.Context, name, sha256 string) (admin.PluginUpgrade, error) {
	u := admin.PluginUpgrade{Plugin: name, Processes: []admin.ProcessUpgrade{}}
	if !r.started.Load() {
		return u, errStarting
	}
	found := false
	for i, is := range r.transportNames {
		if is != name {
			continue
		}
		found = true
		if instance, ok := r.transports[i].(*process.Instance); ok {
			one, err := upgradeTransport(ctx, instance, sha256)
			if err != nil {
				return u, fmt.Errorf("plugins.%s: %w", name, err)
			}
			u.Processes = append(u.Processes, one)
		}
	}
	for i := range r.prepared.mqs {
		if r.prepared.mqs[i].name != name {
			continue
		}
		found = true
		if m, ok := r.prepared.mqs[i].plugin.(*process.MQ); ok {
			if err := m.Replace(ctx, sha256); err != nil {
				return u, fmt.Errorf("plugins.%s: %w", name, err)
			}
			u.Processes = append(u.Processes, admin.ProcessUpgrade{Way: admin.Restarted})
		}
	}
	switch {
	case !found:
		return u, admin.ErrNotFound
	case len(u.Processes) == 0:
		return u, fmt.Errorf("plugins.%s: %w", name, admin.ErrInCore)
	}
	return u, nil
}

// upgradeTransport hands the connections over where the plugin can, and closes
// them where it cannot: their devices resume.
func upgradeTransport(ctx context.Context, i *process.Instance, sha256 string) (admin.ProcessUpgrade, error) {
	done, err := i.Upgrade(ctx, sha256)
	if errors.Is(err, process.ErrCannotHandOver) {
		return admin.ProcessUpgrade{Way: admin.Restarted}, i.Replace(ctx, sha256)
	}
	return admin.ProcessUpgrade{
		Way: admin.HandedOver, Connections: done.Connections, PauseMS: float64(done.Pause.Microseconds()) / 1000,
		From: done.From.Version, To: done.To.Version,
	}, err
}
