package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/sdk"
)

// benchKind is what a bench loads a node with.
type benchKind string

const (
	benchIdle    benchKind = "idle"
	benchFanout  benchKind = "fanout"
	benchPrivate benchKind = "private"
	benchStorm   benchKind = "storm"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	Kind        benchKind
	URL         string
	Connections int
	Duration    time.Duration
	Size        int
	Rate        float64 // messages a second; 0: as fast as bounds allow
	Class       string
	Group       string
	Publishers  int
	Outstanding int
	AckDelay    time.Duration
	Deaf        int // fanout: connections beside the others that read nothing
	ServerPID   int
}

// benchResult is the one object that a bench prints.
type benchResult struct {
	Connections      int     `json:"connections"`
	Deliveries       uint64  `json:"deliveries"`
	Lost             uint64  `json:"lost"`
	Repeated         uint64  `json:"repeated"`
	Misordered       uint64  `json:"misordered"`
	Seconds          float64 `json:"seconds"`
	ServerCPU        float64 `json:"server_cpu_s"`
	PerServerCPU     float64 `json:"deliveries_per_server_cpu_s"`
	P50              float64 `json:"p50_ms"`
	P99              float64 `json:"p99_ms"`
	P999             float64 `json:"p999_ms"`
	ServerRSS        int64   `json:"server_rss_bytes"`
	RSSPerConnection float64 `json:"rss_per_connection_bytes"`
	GeneratorLimited bool    `json:"generator_limited"`

	Messages uint64   `json:"messages"`          // accepted by the node
	Refused  uint64   `json:"refused"`           // not accepted; no part of lost
	Resumed  int      `json:"resumed,omitempty"` // storm: sessions that went on
	Notes    []string `json:"notes,omitempty"`
}

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench", Short: "Load a node and measure it",
		Long: `Load a node and measure it: many devices in processes of their own, driven by events, and publishers on
the node's HTTP API. Latency counts from the moment at which a message was meant to be published (with --rate), so
that a publisher that is held up hides nothing; without --rate from the moment it was handed over. Every receiver
checks number, order and checksum of what it gets.

CPU time, and memory with its growth since there was no connection (start the node afresh for that), are the server's, from /proc: of the processes
that listen at --url and at --server, which are two when the plugin has one of its own, unless --server-pid names one. generator_limited: a device process's thread ran or waited
for a CPU more than 85 % of the time, or the publishers were busy with themselves that long: measure again with more
CPUs for the generator, or with less load.`,
	}
	for kind, short := range map[benchKind]string{
		benchIdle:    "Open connections and leave them idle: memory",
		benchFanout:  "Push to one group that all connections joined",
		benchPrivate: "Push to single users in turn",
		benchStorm:   "Cut all connections and resume them at once",
	} {
		cmd.AddCommand(newBenchKind(kind, short))
	}
	cmd.AddCommand(newBenchWorker())
	return cmd
}

func newBenchKind(kind benchKind, short string) *cobra.Command {
	o := benchOptions{Kind: kind}
	var duration string
	cmd := &cobra.Command{
		Use: string(kind) + " --url URL", Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := sdk.ParseDuration(duration)
			if err != nil {
				return usage(fmt.Errorf("--duration: %w", err))
			}
			o.Duration = time.Duration(d)
			if err := o.check(); err != nil {
				return usage(err)
			}
			node, err := apiOf(cmd)
			if err != nil {
				return err
			}
			result, err := runBench(cmd.Context(), o, node)
			if result == nil {
				return err
			}
			return errors.Join(printBench(cmd, result), err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.URL, "url", "", "where devices connect: tcp://host:port or ws://host:port/path")
	f.IntVar(&o.Connections, "connections", 1000, "how many")
	f.StringVar(&duration, "duration", "10s", "how long to publish, or to stay idle")
	f.IntVar(&o.Size, "size", 128, "bytes of a payload")
	f.Float64Var(&o.Rate, "rate", 0, "messages a second; 0: as fast as --outstanding allows")
	f.StringVar(&o.Class, "class", "reliable", "reliable or fast")
	f.StringVar(&o.Group, "group", "", "fanout: the group; default: one of this run's own")
	f.IntVar(&o.Publishers, "publishers", 2, "requests in flight at once, each an order of its own")
	f.IntVar(&o.Outstanding, "outstanding", 0, "deliveries under way at most; 0: 4 for each connection, at least 4096")
	f.DurationVar(&o.AckDelay, "ack-delay", 10*time.Millisecond, "how long devices collect acks")
	if kind == benchFanout {
		f.IntVar(&o.Deaf, "deaf", 0, "further connections that join the group and read nothing")
	}
	f.IntVar(&o.ServerPID, "server-pid", 0, "the node's process; 0: look for it")
	addServerFlags(cmd)
	return cmd
}

func (o *benchOptions) check() error {
	switch {
	case o.URL == "":
		return errors.New("--url is needed, such as --url tcp://127.0.0.1:7100")
	case o.Connections < 1 || o.Connections > 1_000_000:
		return errors.New("--connections is from 1 to 1,000,000")
	case o.Size < benchStampBytes || o.Size > 1<<20:
		return fmt.Errorf("--size is from %d (what a payload says of itself) to 1,048,576", benchStampBytes)
	case o.Deaf < 0 || o.Deaf > 100_000:
		return errors.New("--deaf is from 0 to 100,000")
	case o.Publishers < 1 || o.Publishers > benchStreamsMax:
		return fmt.Errorf("--publishers is from 1 to %d", benchStreamsMax)
	case o.Class != "reliable" && o.Class != "fast":
		return errors.New("--class is reliable or fast")
	case o.Rate < 0 || o.Outstanding < 0:
		return errors.New("--rate and --outstanding are not negative")
	}
	if _, err := parseBenchTarget(o.URL); err != nil {
		return err
	}
	if o.Outstanding == 0 {
		o.Outstanding = max(4096, 4*o.Connections)
	}
	return nil
}

func printBench(cmd *cobra.Command, r *benchResult) error {
	if asJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), r)
	}
	return r.print(cmd.OutOrStdout())
}

func (r *benchResult) print(out io.Writer) error {
	_, err := fmt.Fprintf(out, `connections                  %d
messages, refused            %d, %d
deliveries                   %d in %.2f s
lost, repeated, misordered   %d, %d, %d
p50, p99, p99.9              %.2f, %.2f, %.2f ms
server CPU                   %.2f s, %.0f deliveries a second of it
server memory                %d bytes, %.0f a connection
generator limited            %v
`, r.Connections, r.Messages, r.Refused, r.Deliveries, r.Seconds, r.Lost, r.Repeated, r.Misordered, r.P50, r.P99, r.P999,
		r.ServerCPU, r.PerServerCPU, r.ServerRSS, r.RSSPerConnection, r.GeneratorLimited)
	for _, n := range r.Notes {
		if err == nil {
			_, err = fmt.Fprintln(out, "note:", n)
		}
	}
	return err
}
