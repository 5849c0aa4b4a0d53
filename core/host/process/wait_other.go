//go:build !linux

package process

// awaitExit returns when the process has ended; here that is seen by reaping it.
func awaitExit(int) {}
