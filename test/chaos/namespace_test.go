package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

// namespace is a network namespace with a way to this one through a second, the router, which loses what it is told to
// lose. Packets are lost on their way: dropped where they are sent, they would fail there, as on no real network. Rules
// are the router's own, so nothing else on the machine notices.
type namespace struct {
	r      *rig
	name   string
	router string
	outer  string // address on this side
	inner  string // address inside
}

var namespaces atomic.Int32

// newNamespace makes one, gone with the story. Without root or nft the story is skipped.
func newNamespace(r *rig) *namespace {
	r.t.Helper()
	needRoot(r.t, "ip", "nft")
	number := namespaces.Add(1)
	id := os.Getpid()%100_000*10 + int(number)
	net := fmt.Sprintf("10.%d.%d", 77+number, os.Getpid()%250)
	n := &namespace{r: r, name: fmt.Sprintf("chaos-%d", id), router: fmt.Sprintf("chaos-%d-router", id), outer: net + ".1", inner: net + ".6"}
	near, far := fmt.Sprintf("cha%d", id), fmt.Sprintf("chb%d", id)
	for _, name := range []string{n.name, n.router} {
		command(r.t, "ip", "netns", "add", name)
		r.t.Cleanup(func() { command(r.t, "ip", "netns", "del", name) }) // Its lines go with it.
	}
	command(r.t, "ip", "link", "add", near, "type", "veth", "peer", "name", "near", "netns", n.router)
	inside(r.t, n.router, "ip", "link", "add", "far", "type", "veth", "peer", "name", far, "netns", n.name)
	command(r.t, "ip", "addr", "add", n.outer+"/30", "dev", near)
	command(r.t, "ip", "link", "set", near, "up")
	inside(r.t, n.router, "ip", "addr", "add", net+".2/30", "dev", "near")
	inside(r.t, n.router, "ip", "addr", "add", net+".5/30", "dev", "far")
	inside(r.t, n.router, "ip", "link", "set", "near", "up")
	inside(r.t, n.router, "ip", "link", "set", "far", "up")
	inside(r.t, n.router, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
	inside(r.t, n.name, "ip", "link", "set", "lo", "up")
	inside(r.t, n.name, "ip", "addr", "add", n.inner+"/30", "dev", far)
	inside(r.t, n.name, "ip", "link", "set", far, "up")
	inside(r.t, n.name, "ip", "route", "add", "default", "via", net+".5")
	command(r.t, "ip", "route", "add", net+".4/30", "via", net+".2") // Goes with the line.
	inside(r.t, n.router, "nft", "add", "table", "inet", "chaos")
	inside(r.t, n.router, "nft", "add", "chain", "inet", "chaos", "way", "{ type filter hook forward priority 0; }")
	return n
}

// drop loses all packets that match.
func (n *namespace) drop(match string) {
	n.r.t.Helper()
	n.r.note("drop " + match)
	inside(n.r.t, n.router, append([]string{"nft", "add", "rule", "inet", "chaos", "way"}, append(strings.Fields(match), "drop")...)...)
}

// heal lets everything through.
func (n *namespace) heal() {
	n.r.t.Helper()
	n.r.note("heal")
	inside(n.r.t, n.router, "nft", "flush", "table", "inet", "chaos")
}

func inside(t *testing.T, name string, args ...string) {
	t.Helper()
	command(t, append([]string{"ip", "netns", "exec", name}, args...)...)
}

func command(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// needRoot skips a story that cannot have what it needs. ci/brokers.sh brings the tools where it can.
func needRoot(t *testing.T, tools ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
}
