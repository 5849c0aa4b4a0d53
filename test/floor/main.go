//go:build linux

// Command floor is the yardstick of docs/benchmarks.md: a bare server, one thread
// on level-triggered epoll, one write(2) for each message (or for -coalesce N
// waiting group messages), no sessions, no acks, no authentication; and the load
// for it. Speed is told as a ratio to it, taken in the same run.
//
//	floor -addr 127.0.0.1:9000                     serve
//	floor -load -mode group -n 10000 -messages 100 load it and print what came of it
//
// Protocol, integers big endian, every frame u32 length | u8 type | body: 1 hello
// (u32 user, u32 group), 2 ok, 3 to group (u32, payload), 4 to user (u32, payload),
// 5 push (payload).
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"time"
)

var (
	addr     = flag.String("addr", "127.0.0.1:9000", "where it listens")
	coalesce = flag.Int("coalesce", 1, "join up to this many waiting group messages into one write for each connection")
	writev   = flag.Bool("writev", false, "header and payload as two iovecs")
	cc       = flag.String("cc", "", "TCP_CONGESTION of the sockets")
	life     = flag.Duration("life", 5*time.Minute, "exit after this long")

	load        = flag.Bool("load", false, "be the load, not the server")
	mode        = flag.String("mode", "group", "load: group or user")
	connections = flag.Int("n", 1000, "load: connections")
	messages    = flag.Int("messages", 1000, "load: messages to push")
	outstanding = flag.Int("outstanding", 4, "load: messages under way at most")
	size        = flag.Int("size", 128, "load: bytes of a payload")
	pid         = flag.Int("pid", 0, "load: the server's process")
)

// pushFrame is [len][5][payload].
func pushFrame(dst, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(1+len(payload)))
	dst = append(dst, 5)
	return append(dst, payload...)
}

func main() {
	flag.Parse()
	time.AfterFunc(*life, func() { os.Exit(1) })
	run := runEpoll
	if *load {
		run = runLoad
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}
