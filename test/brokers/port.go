package brokers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
)

// Ports are taken from below the range that systems give to outgoing connections (32768 and up on Linux, 49152 on others),
// so that none of those sits on the port of a broker that is down and about to start again.
const (
	portMin = 20000
	portMax = 32000
)

// port is a loopback port leased to this process, bound or not.
type port struct {
	number int
	lease  net.Listener // nil where the system has no abstract sockets
}

func leasePort() (port, error) {
	for range 1000 {
		p := port{number: portMin + rand.IntN(portMax-portMin)}
		if p.acquire() {
			return p, nil
		}
	}
	return port{}, errors.New("no free port found")
}

// acquire reports whether the port is free. The lease is an abstract unix socket: exclusive between processes, in the
// same network namespace as the port, and gone with the process.
func (p *port) acquire() bool {
	if runtime.GOOS == "linux" {
		lease, err := net.Listen("unix", fmt.Sprintf("@pushcore-test-port-%d", p.number))
		if err != nil {
			return false
		}
		p.lease = lease
	}
	probe, err := net.Listen("tcp", p.addr())
	if err != nil {
		p.release()
		return false
	}
	probe.Close()
	return true
}

func (p *port) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.number) }

func (p *port) release() {
	if p.lease != nil {
		p.lease.Close()
	}
}

// leasePorts leases n ports, or none.
func leasePorts(n int) ([]port, error) {
	ports := make([]port, 0, n)
	for range n {
		p, err := leasePort()
		if err != nil {
			releasePorts(ports)
			return nil, err
		}
		ports = append(ports, p)
	}
	return ports, nil
}

func releasePorts(ports []port) {
	for i := range ports {
		ports[i].release()
	}
}

// Port is a free loopback port that stays reserved, bound or not, until the test ends: for a server under test that is
// to come back where it was.
func Port(t testing.TB) int {
	t.Helper()
	p, err := leasePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.release)
	return p.number
}
