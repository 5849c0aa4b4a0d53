package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// benchServer is the node's processes: its own, and that of the plugin at which
// devices connect, if it has one of its own. Methods may be called on nil and then
// say 0.
type benchServer struct{ procs []string }

// findBenchServer returns the process with the id or, if that is 0, those that
// listen at the addresses.
func findBenchServer(pid int, addresses ...string) (*benchServer, error) {
	if pid != 0 {
		return (&benchServer{}).with(pid)
	}
	s := &benchServer{}
	for _, address := range addresses {
		inode, err := listeningInode(address)
		if err != nil {
			return nil, err
		}
		if pid, err = ownerOfSocket(inode); err != nil {
			return nil, err
		}
		if s, err = s.with(pid); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// with adds a process.
func (s *benchServer) with(pid int) (*benchServer, error) {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	if rssOf(proc) == 0 {
		return nil, fmt.Errorf("there is no process %d", pid)
	}
	if !slices.Contains(s.procs, proc) {
		s.procs = append(s.procs, proc)
	}
	return s, nil
}

// hostPort is the address of a server's URL.
func hostPort(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server // Who resolves it says what is wrong.
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), u.Scheme)
	}
	return u.Host
}

// listeningInode finds the socket that listens at the address, or at all
// addresses on its port.
func listeningInode(address string) (string, error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return "", err
	}
	if local, err := isLocal(tcp.IP); err != nil || !local {
		return "", errors.Join(err, errors.New("it is not on this machine"))
	}
	const listening = "0A"
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue // IPv6 may be off.
		}
		lines := bufio.NewScanner(f)
		found := ""
		for lines.Scan() {
			field := strings.Fields(lines.Text())
			if len(field) > 9 && field[3] == listening && strings.HasSuffix(field[1], fmt.Sprintf(":%04X", tcp.Port)) && listensFor(field[1], tcp.IP) {
				found = field[9]
				break
			}
		}
		_ = f.Close() // It was only read.
		if found != "" {
			return found, nil
		}
	}
	return "", errors.New("nothing listens there")
}

// listensFor tells whether a table's local address, in the kernel's byte
// order, takes connections to ip.
func listensFor(local string, ip net.IP) bool {
	text, _, _ := strings.Cut(local, ":")
	b, err := hex.DecodeString(text)
	if err != nil || (len(b) != 4 && len(b) != 16) {
		return false
	}
	for i := 0; i < len(b); i += 4 {
		b[i], b[i+1], b[i+2], b[i+3] = b[i+3], b[i+2], b[i+1], b[i]
	}
	return net.IP(b).IsUnspecified() || net.IP(b).Equal(ip)
}

func isLocal(ip net.IP) (bool, error) {
	if ip.IsLoopback() {
		return true, nil
	}
	addresses, err := net.InterfaceAddrs()
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true, nil
		}
	}
	return false, err
}

func ownerOfSocket(inode string) (int, error) {
	want := "socket:[" + inode + "]"
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, err
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == want {
			return strconv.Atoi(strings.Split(link, "/")[2])
		}
	}
	return 0, errors.New("its process is not to be seen (another user's?): --server-pid names it")
}

// clockTick is the unit of CPU times in /proc, the same on all of Linux's
// platforms that Go knows.
const clockTick = 100

// cpu is the processes' CPU time so far, of user and system, in seconds.
func (s *benchServer) cpu() (seconds float64) {
	if s == nil {
		return 0
	}
	for _, proc := range s.procs {
		seconds += cpuOf(proc)
	}
	return seconds
}

func cpuOf(proc string) float64 {
	b, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return 0
	}
	// The second field is a name in brackets, which may hold anything.
	_, rest, _ := strings.Cut(string(b[strings.LastIndexByte(string(b), ')'):]), " ")
	field := strings.Fields(rest)
	if len(field) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(field[11], 64)   // The kernel writes numbers.
	system, _ := strconv.ParseFloat(field[12], 64) // As above.
	return (user + system) / clockTick
}

// rss is the processes' resident memory in bytes.
func (s *benchServer) rss() (bytes int64) {
	if s == nil {
		return 0
	}
	for _, proc := range s.procs {
		bytes += rssOf(proc)
	}
	return bytes
}

func rssOf(proc string) int64 {
	b, err := os.ReadFile(proc + "/statm")
	if err != nil {
		return 0
	}
	field := strings.Fields(string(b))
	if len(field) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(field[1], 10, 64) // The kernel writes numbers.
	return pages * int64(os.Getpagesize())
}
