package process

import (
	"net"
	"path/filepath"
)

// checkAddress refuses control addresses that can be another program's: a unix
// socket lies in the private directory, anything else on a loopback address.
func checkAddress(dir, network, address string) error {
	if network == "unix" {
		if filepath.Dir(filepath.Clean(address)) != filepath.Clean(dir) {
			return errForeignSocket
		}
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return errForeignSocket
	}
	return nil
}
