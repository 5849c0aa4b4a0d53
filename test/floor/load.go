//go:build linux

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// result is what the load prints, in the words of `pushcore bench`.
type result struct {
	Connections int     `json:"connections"`
	Deliveries  int     `json:"deliveries"`
	Seconds     float64 `json:"seconds"`
	ServerCPU   float64 `json:"server_cpu_s"`
	PerCPU      float64 `json:"deliveries_per_server_cpu_s"`
}

// runLoad connects devices, pushes and counts what comes back.
func runLoad() error {
	to, err := netip.ParseAddrPort(*addr)
	if err != nil {
		return err
	}
	epoll, err := connectAll(to)
	if err != nil {
		return err
	}
	publisher, err := dial(to)
	if err != nil {
		return err
	}
	cpu, start := cpuSeconds(*pid), time.Now()
	n, err := pushAll(epoll, publisher)
	if err != nil {
		return err
	}
	r := result{Connections: *connections, Deliveries: n, Seconds: time.Since(start).Seconds(), ServerCPU: cpuSeconds(*pid) - cpu}
	if r.ServerCPU > 0 {
		r.PerCPU = float64(n) / r.ServerCPU
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func dial(to netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, err
	}
	return fd, unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
}

// connectAll connects the devices, all in group 1, and watches them.
func connectAll(to netip.AddrPort) (epoll int, err error) {
	epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return -1, err
	}
	for user := range *connections {
		fd, err := dial(to)
		if err != nil {
			return -1, fmt.Errorf("connection %d: %w", user, err)
		}
		hello := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 9, 1}, uint32(user))
		hello = binary.BigEndian.AppendUint32(hello, 1)
		var ok [5]byte
		if _, err = unix.Write(fd, hello); err == nil {
			_, err = unix.Read(fd, ok[:])
		}
		if err == nil {
			err = unix.SetNonblock(fd, true)
		}
		if err == nil {
			err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
		}
		if err != nil {
			return -1, fmt.Errorf("connection %d: %w", user, err)
		}
	}
	return epoll, nil
}

// pushAll pushes all messages, at most `outstanding` of them under way, and returns
// the number of deliveries when all have come.
func pushAll(epoll, publisher int) (int, error) {
	each, kind := 1, byte(4)
	if *mode == "group" {
		each, kind = *connections, 3
	}
	frame := *size + 5
	want := *messages * each * frame
	buffer, events := make([]byte, 256<<10), make([]unix.EpollEvent, 512)
	var batch []byte
	for got, sent := 0, 0; got < want; {
		batch = batch[:0]
		for ; sent < *messages && sent*each-got/frame < *outstanding*each; sent++ {
			batch = appendPublish(batch, kind, sent)
		}
		if len(batch) > 0 {
			if _, err := unix.Write(publisher, batch); err != nil {
				return 0, err
			}
		}
		ready, err := unix.EpollWait(epoll, events, 1000)
		if err != nil && err != unix.EINTR {
			return 0, err
		}
		for i := range max(ready, 0) {
			if n, err := unix.Read(int(events[i].Fd), buffer); err == nil {
				got += n
			}
		}
	}
	return want / frame, nil
}

func appendPublish(b []byte, kind byte, number int) []byte {
	target := uint32(1)
	if kind == 4 {
		target = uint32(number % *connections)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(5+*size))
	b = append(b, kind)
	b = binary.BigEndian.AppendUint32(b, target)
	return append(b, make([]byte, *size)...)
}

// clockTicks is USER_HZ, which Linux fixes at 100 for what it shows.
const clockTicks = 100

// cpuSeconds is the user and system time of a process, 0 if it is not known.
func cpuSeconds(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
	ticks := 0
	for _, i := range []int{11, 12} { // utime and stime, counted from behind the name.
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return 0
		}
		ticks += n
	}
	return float64(ticks) / clockTicks
}
