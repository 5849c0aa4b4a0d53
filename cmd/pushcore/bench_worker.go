package main

import (
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// A bench's devices live in worker processes, of at most benchPerWorker each.
// A worker reads commands from standard input and answers on standard output,
// JSON lines both; it ends when standard input does.

// benchPerWorker leaves room below the usual limit of 20,000 descriptors.
const benchPerWorker = 18_000

// benchSetup is the first line that a worker gets.
type benchSetup struct {
	Target      benchTarget
	First       int // of its devices' numbers in the run
	Connections int
	Run         string // part of the users' names
	Group       string // to join; "": none
	AckDelay    time.Duration
	Slot        int  // of the shared counters
	Storm       bool // latencies are of connections, not of messages
}

// benchUser is the name of the run's i-th user.
func benchUser(run string, i int) string { return "bench-" + run + "-" + strconv.Itoa(i) }

// The commands.
const (
	benchOpen    = "open"    // connect all devices; answered when all are open, or one cannot be
	benchMeasure = "measure" // count from now on
	benchCut     = "cut"     // close all connections and resume them; answered when all are open
	benchReport  = "report"  // say what was counted
)

type benchCommand struct {
	Do string
}

// benchReportLine is a worker's answer.
type benchReportLine struct {
	Error       string `json:",omitempty"` // the worker gave up
	Unreachable bool   `json:",omitempty"` // because no connection came about

	Open       int
	Resumed    int
	Breaks     int // connections that ended unasked
	LastBreak  string
	Unique     uint64
	Repeated   uint64
	Misordered uint64
	Corrupt    uint64
	Last       int64   // when the last delivery came, nanoseconds of the monotonic clock
	Busy       float64 // share of the time that the thread ran or waited for a CPU
	Histogram  []byte  // of latencies in microseconds
}

// newBenchWorker is for bench itself.
func newBenchWorker() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBenchWorker(cmd.InOrStdin(), cmd.OutOrStdout(), benchSharedFile())
		},
	}
}

// readBenchCommands passes on a worker's commands and closes the channel at
// the end of input.
func readBenchCommands(in *json.Decoder, to chan<- benchCommand) {
	defer close(to)
	for {
		var c benchCommand
		if in.Decode(&c) != nil {
			return // The bench is over, or gone.
		}
		to <- c
	}
}

func writeBenchReport(out io.Writer, r *benchReportLine) error { return json.NewEncoder(out).Encode(r) }
