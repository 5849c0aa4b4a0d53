package process

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// identity names a process among all that had or will have its id: the boot and
// the time it was started at. Empty: there is none, or it has ended.
func identity(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	_, after, ok := cutLast(string(stat), ") ") // The name before it may hold anything.
	fields := strings.Fields(after)
	if !ok || len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[19]
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// watchEnd returns a function that returns when the process, which need not be a
// child of this one, has ended.
func watchEnd(pid int) func() {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return func() { pollEnd(pid) } // Before Linux 5.3, or it has ended.
	}
	return func() {
		defer unix.Close(fd)
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			if n > 0 || err != nil && err != unix.EINTR {
				return
			}
		}
	}
}

// reapIfChild takes the status of a process that has ended, if it is a child of
// this one: of the program that has executed this one.
func reapIfChild(pid int) (status string, killed bool) {
	var w unix.WaitStatus
	if got, err := unix.Wait4(pid, &w, unix.WNOHANG, nil); err != nil || got != pid {
		return "has ended", false
	}
	return describeStatus(int(w.Signal()), w.Signal().String(), w.Signaled(), w.ExitStatus())
}
