package sockets

import (
	"net/netip"
	"time"
)

// Config says how a transport listens; the zero value of each field but Listen
// means its default.
type Config struct {
	Listen        []string      // host:port, port 0 for any
	FrameBytesMax int           // longest frame of a device; default wire.FrameBytesDefault
	Linger        time.Duration // how long an ending connection may take to hear of it; default 2 s
}

const lingerDefault = 2 * time.Second

// resolve checks addresses without opening anything.
func resolve(listen string) (netip.AddrPort, error) { return netip.ParseAddrPort(listen) }
