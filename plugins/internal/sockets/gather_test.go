//go:build linux

package sockets

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkGather compares the two ways of Flush to write a connection's segments
// at once: copied together, or as a vector. gatherMax is where the vector wins.
func BenchmarkGather(b *testing.B) {
	for _, size := range []int{128, 1 << 10, 4 << 10, 16 << 10, 64 << 10} {
		for _, count := range []int{2, 16} {
			segments := make([][]byte, count)
			for i := range segments {
				segments[i] = make([]byte, size/count)
			}
			b.Run(fmt.Sprintf("copy/%d/%d", size, count), func(b *testing.B) { benchmarkWrite(b, segments, writeCopied()) })
			b.Run(fmt.Sprintf("vector/%d/%d", size, count), func(b *testing.B) { benchmarkWrite(b, segments, writeVectored()) })
		}
	}
}

func benchmarkWrite(b *testing.B, segments [][]byte, write func(fd int32, segments [][]byte) int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	sink := make([]byte, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		for left := write(int32(fds[0]), segments); left > 0; {
			n, err := readSocket(int32(fds[1]), sink)
			if err != 0 {
				b.Fatal(err)
			}
			left -= n
		}
	}
}

func writeCopied() func(int32, [][]byte) int {
	var scratch []byte
	return func(fd int32, segments [][]byte) int {
		scratch = scratch[:0]
		for _, s := range segments {
			scratch = append(scratch, s...)
		}
		n, _ := writeSocket(fd, scratch)
		return n
	}
}

func writeVectored() func(int32, [][]byte) int {
	var vector []unix.Iovec
	return func(fd int32, segments [][]byte) int {
		vector = vector[:0]
		for _, s := range segments {
			v := unix.Iovec{Base: &s[0]}
			v.SetLen(len(s))
			vector = append(vector, v)
		}
		n, _ := writevSocket(fd, vector)
		return n
	}
}
