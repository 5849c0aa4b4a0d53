package config

import (
	"os"
	"time"
)

// Node is the section `node`.
type Node struct {
	// The node's name in logs, metrics and what it publishes. Empty: the name
	// of the host.
	Name string `key:"name"`
	// The number of event loops. Each serves a share of the users on a thread
	// of its own. 0: the container's cores less one, at least one. More loops
	// than cores make all of them slower.
	Loops int `key:"loops" min:"0" max:"1024"`
	// The CPUs to pin the loops to, in turn: `[2, 3]`. Only for machines on which
	// nothing else runs on these, and on Linux. Empty: not pinned.
	CPUs []int `key:"cpus" min:"0" max:"4095"`
	// How the node stops when it is told to.
	Drain Drain `key:"drain"`
}

// Drain is `node.drain`.
type Drain struct {
	// How many devices are asked to connect elsewhere, in a second: what the
	// nodes that are left can take in. It is raised, and the log says so, if the
	// devices would take longer than four fifths of the timeout. 0: all at once.
	Rate Rate `key:"rate" min:"0" max:"1000000/s"`
	// The longest that stopping takes, from SIGTERM: devices leave in this time
	// and what they have not acked is settled or stored. One that is still here a
	// tenth of it after it was asked to leave is closed with a code that makes
	// it come back. Supervisors must wait longer than this before they kill.
	Timeout Duration `key:"timeout" min:"1s" max:"1h"`
}

func (n *Node) setDefaults() {
	n.Drain = Drain{Rate: 500, Timeout: Duration(60 * time.Second)}
}

func (n *Node) validate(at place) {
	if len(n.Name) > idBytesMax {
		at.key("name").fail("longer than %d bytes", idBytesMax)
	}
}

// idBytesMax is the longest id of a user, group, device or node.
const idBytesMax = 255

// HostName is Name, or the host's name if that is empty.
func (n *Node) HostName() string {
	if n.Name != "" {
		return n.Name
	}
	if host, err := os.Hostname(); err == nil {
		return host
	}
	return "pushcore"
}
