package loop

import "github.com/pushcore/pushcore/core/shard"

// What follows is for transports whose process is not this one.

// Block stops deliveries to the instance on this loop, or lets them go on.
func (p *Port) Block(bool) {}

// Written says that so many batches were carried out since the process was there.
func (p *Port) Written(uint64) {}

// Rejoin takes the connections that a process has kept while it had no runtime.
func (p *Port) Rejoin([]shard.Rejoined) {}

// Rename takes the ids that connections have in the process that took another's
// place.
func (p *Port) Rename([]shard.Renamed) {}

// Down says that the process is gone with all its connections. The port stays for
// the next one.
func (p *Port) Down() { p.loop.state.Handle(&shard.PluginDown{Plugin: p.plugin}) }
