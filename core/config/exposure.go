package config

import (
	"net"
	"net/netip"
	"strings"

	"github.com/pushcore/pushcore/core/config/internal/tree"
)

// Listener is an address that the node will listen on.
type Listener struct {
	Name    string // http, ops, or a plugin instance
	Address string // HOST:PORT
	Index   int    // which of the instance's addresses, from 0
}

// Listeners are the addresses of http and ops and those of the plugin instances,
// as sdk.Setup.Listen of each tells them by its name.
func (c *Config) Listeners(plugins map[string][]string) []Listener {
	all := []Listener{{Name: "http", Address: c.HTTP.Listen}}
	if c.Ops != nil {
		all = append(all, Listener{Name: "ops", Address: c.Ops.Listen})
	}
	for i := range c.Plugins {
		for index, address := range plugins[c.Plugins[i].Name] {
			all = append(all, Listener{c.Plugins[i].Name, address, index})
		}
	}
	return all
}

// CheckExposure reports every listener beyond loopback on which nobody has to
// prove who he is, unless that is what insecure asks for.
func (c *Config) CheckExposure(listeners []Listener, insecure bool) error {
	at := c.checks()
	for _, l := range listeners {
		if insecure || l.Loopback() {
			continue
		}
		here := c.listenerPlace(at, l)
		switch {
		case l.isNodes() && len(c.HTTP.Keys) == 0:
			here.fail("%s can be reached from other machines and has no keys: set http.keys, listen on 127.0.0.1, or run with --insecure", l.Address)
		case !l.isNodes() && c.Auth.Open():
			here.fail("%s can be reached from other machines and devices need not prove who they are: configure auth, listen on 127.0.0.1, or run with --insecure", l.Address)
		}
	}
	return at.faults.Sorted()
}

// Loopback says whether only this machine can reach it.
func (l Listener) Loopback() bool { return isLoopback(l.Address) }

// isNodes tells the node's own HTTP listeners from those for devices.
func (l Listener) isNodes() bool { return l.Name == "http" || l.Name == "ops" }

func (c *Config) listenerPlace(at place, l Listener) place {
	if l.isNodes() {
		return at.key(l.Name).key("listen")
	}
	at = at.key("plugins").key(l.Name).key("config").key("listen")
	if _, isList := tree.Find(c.root, at.item(l.Index).path); isList {
		return at.item(l.Index)
	}
	return at
}

// isLoopback says whether only this machine can reach an address. A name other
// than localhost is not looked up: what it means can change.
func isLoopback(address string) bool {
	if strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "/") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
	}
	return ip.Unmap().IsLoopback()
}
