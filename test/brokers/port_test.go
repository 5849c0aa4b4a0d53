package brokers

import (
	"net"
	"testing"
)

func TestPortIsLeasedOnceUntilReleased(t *testing.T) {
	p, err := leasePort()
	if err != nil {
		t.Fatal(err)
	}
	again := port{number: p.number}
	if systemSupported && again.acquire() {
		t.Error("a leased port was leased again")
	}
	p.release()
	if !again.acquire() {
		t.Error("a released port was not to be had")
	}
	again.release()
}

func TestBoundPortIsNotLeased(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p := port{number: listener.Addr().(*net.TCPAddr).Port}
	if p.acquire() {
		t.Error("a port in use was leased")
	}
}
