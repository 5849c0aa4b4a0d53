package process

import "golang.org/x/sys/unix"

// awaitExit returns when the process, a child of this one, has ended; it is not
// reaped yet.
func awaitExit(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}
