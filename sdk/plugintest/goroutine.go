package plugintest

import (
	"bytes"
	"runtime"
	"strconv"
)

// goroutineID is the number that the runtime gives the calling goroutine; it is
// good for nothing but to find calls from a wrong one.
func goroutineID() uint64 {
	var buffer [64]byte
	return parseGoroutineID(buffer[:runtime.Stack(buffer[:], false)])
}

// parseGoroutineID reads "goroutine 17 [running]:…".
func parseGoroutineID(stack []byte) uint64 {
	stack, _ = bytes.CutPrefix(stack, []byte("goroutine "))
	digits, _, _ := bytes.Cut(stack, []byte(" "))
	id, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// goroutines returns the stacks of all goroutines by number.
func goroutines() map[uint64]string {
	buffer := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buffer, true)
		if n < len(buffer) {
			buffer = buffer[:n]
			break
		}
		buffer = make([]byte, 2*len(buffer))
	}
	stacks := map[uint64]string{}
	for _, stack := range bytes.Split(buffer, []byte("\n\n")) {
		stacks[parseGoroutineID(stack)] = string(stack)
	}
	return stacks
}
