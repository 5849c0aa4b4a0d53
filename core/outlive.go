package core

import (
	"fmt"
	"path/filepath"

	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/core/host/process"
	"github.com/pushcore/pushcore/core/seal"
	"github.com/pushcore/pushcore/core/shard"
)

// keyName is the file in the store's directory with the key for what plugin
// processes keep of sessions.
const keyName = "keep.key"

// outlive tells a shard which instances are processes, and lets sessions whose
// connections these hold outlive this one: where there is a directory for the key
// and for finding the processes again.
func (r *Runtime) outlive(s *shard.Config, box *seal.Box) {
	for i := range r.prepared.transports {
		apart := r.prepared.transports[i].process != nil
		s.Echoes = append(s.Echoes, apart)
		s.Outlives = append(s.Outlives, apart && box != nil && r.prepared.cfg.Sessions.CoreGrace > 0)
	}
	if box != nil {
		s.Seal, s.Unseal = box.Seal, box.Open
	}
}

// sweep ends the processes of an earlier run that this configuration does not
// have.
func (r *Runtime) sweep() {
	var kept []*process.Plugin
	for i := range r.prepared.transports {
		if p := r.prepared.transports[i].process; p != nil {
			kept = append(kept, p)
		}
	}
	process.Sweep(r.prepared.dataDir(), kept, r.log)
}

// sealBox opens the box, or returns nil where nothing can outlive the node.
func (r *Runtime) sealBox() (*seal.Box, error) {
	c := r.prepared.cfg
	if c.Store.Kind != config.StoreDisk {
		return nil, nil
	}
	key, err := seal.LoadKey(filepath.Join(c.Store.Path, keyName))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	return seal.New(key, "what plugins keep of sessions")
}
