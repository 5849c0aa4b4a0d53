package brokers

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// WaitQuorumQueue returns when a crash no longer takes the quorum queue, of the default virtual host, with it. RabbitMQ
// confirms messages to a new one at once, but writes down that the queue is there only after half a second without
// changes; killed in between, a single node comes back with a queue that has no leader and answers nobody.
func (b *RabbitBroker) WaitQuorumQueue(name string) {
	b.t.Helper()
	registry := filepath.Join(b.server.dir, rabbitDataDir, rabbitNode, "quorum", rabbitNode, "names.dets")
	b.must("WaitQuorumQueue on", waitFileHas(registry, []byte("%2F_"+name), adminTimeout))
}

func waitFileHas(file string, want []byte, timeout time.Duration) error {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	deadline := time.After(timeout)
	for {
		content, err := os.ReadFile(file)
		if err == nil && bytes.Contains(content, want) {
			return nil
		}
		select {
		case <-tick.C:
		case <-deadline:
			return errors.Join(err, errors.New(string(want)+" is not in "+file))
		}
	}
}
