//go:build !unix

package serve

import "os"

// takeStdout keeps standard output for the handshake and lets what Go code writes
// to it go to standard error.
func takeStdout() (*os.File, error) {
	saved := os.Stdout
	os.Stdout = os.Stderr
	return saved, nil
}
