package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/core"
	"github.com/pushcore/pushcore/core/config"
)

// runOptions are the flags of `run`.
type runOptions struct {
	file      string
	portsFile string
	data      string
	insecure  bool
}

func newRun() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [-c FILE]",
		Short: "Run a node; without a file on loopback, with embedded defaults",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return run(cmd, &o) },
	}
	cmd.Flags().StringVarP(&o.file, "config", "c", "", "the configuration file")
	cmd.Flags().StringVar(&o.data, "data", "", "the directory of the store on disk (store.path)")
	cmd.Flags().StringVar(&o.portsFile, "ports-file", "", "write listener name → URL to this file when everything listens")
	cmd.Flags().BoolVar(&o.insecure, "insecure", false, "accept listeners beyond loopback that are open to everybody")
	return cmd
}

func run(cmd *cobra.Command, o *runOptions) error {
	c, err := loadConfig(o.file)
	if err != nil {
		return err
	}
	if err := useData(c, o.data); err != nil {
		return err
	}
	log := newLog(cmd.ErrOrStderr(), c)
	for _, w := range warnings(c) {
		log.Warn(w)
	}
	estate, err := takeEstate()
	if err != nil {
		log.Error("connections of the program before are lost", "error", err)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := core.Prepare(c, builtIn, core.PrepareOptions{
		Insecure: o.insecure, Version: version, Preflight: preflight(program, o.file), Estate: estate, Log: log})
	if err != nil {
		return withPrepareExit(err)
	}
	node, err := core.New(p, log)
	if err != nil {
		p.Discard()
	}
	if errors.Is(err, core.ErrStore) {
		return err
	}
	if err != nil {
		return withExit(exitConfig, err)
	}
	// Signals are taken before anything is open, so that one that comes early
	// still ends the node in good order. A second one ends it at once, so it must
	// not fall between two ways of taking them.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := node.Start(); err != nil {
		return withExit(exitPlugin, err)
	}
	greet(cmd.OutOrStdout(), node, p)
	if err := writePorts(o.portsFile, node.Endpoints()); err != nil {
		return err
	}
	select {
	case <-signals:
	case <-node.Upgrades():
		log.Info("the program is replaced")
		left, err := replaceProgram(node, time.Duration(c.Node.Drain.Timeout))
		if left {
			return err
		}
		log.Error("the program was not replaced: the node stops", "error", err)
	}
	return shutDown(node, time.Duration(c.Node.Drain.Timeout), signals, log)
}

// useData puts the store into a directory that was named on the command line.
func useData(c *config.Config, dir string) error {
	switch {
	case dir == "":
		return nil
	case c.Store.Kind != config.StoreDisk:
		return usage(fmt.Errorf("--data %s: store.kind is %s, which has no directory", dir, c.Store.Kind))
	}
	c.Store.Path = dir
	return nil
}

// shutDown stops the node; a second signal ends the process.
func shutDown(node *core.Runtime, timeout time.Duration, signals <-chan os.Signal, log *slog.Logger) error {
	log.Info("stopping; a second signal ends at once", "timeout", timeout)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- node.Stop(ctx) }()
	select {
	case err := <-done:
		return err
	case <-signals:
		return fmt.Errorf("ended by a second signal")
	}
}

func newLog(w io.Writer, c *config.Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.Log.SlogLevel()}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// greet prints what listens where, what is insecure, and the lines to copy.
func greet(w io.Writer, node *core.Runtime, p *core.Prepared) {
	var b strings.Builder
	fmt.Fprintf(&b, "pushcore %s: %s\n\n", version, node.Plan())
	urls := map[string]string{}
	for _, e := range node.Endpoints() {
		fmt.Fprintf(&b, "  %-8s %s\n", e.Name, e.URL)
		urls[e.Name] = e.URL
	}
	b.WriteString("\nnote:\n")
	for _, line := range p.Describe() {
		fmt.Fprintf(&b, "  - %s\n", line)
	}
	if device := deviceURL(node.Endpoints()); device != "" && p.Open() {
		server := ""
		if urls["http"] != defaultServer {
			server = " --server " + urls["http"]
		}
		fmt.Fprintf(&b, "\ntry, each in a terminal of its own:\n  %s connect %s --user alice\n  %s push%s --to user:alice --data hello\n",
			selfName(), device, selfName(), server)
	}
	_, _ = io.WriteString(w, b.String()+"\n") // A node without a terminal runs all the same.
}

// deviceURL is the first address that devices can connect to.
func deviceURL(endpoints []core.Endpoint) string {
	for _, e := range endpoints {
		if e.Name != "http" && e.Name != "ops" {
			return e.URL
		}
	}
	return ""
}

// selfName is how the user has called this program, as far as it can be repeated.
func selfName() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/pushcore"
	}
	return os.Args[0]
}

// writePorts writes the addresses as one JSON object. It appears whole, by a
// rename, so that whoever waits for it never reads half of it.
func writePorts(file string, endpoints []core.Endpoint) error {
	if file == "" {
		return nil
	}
	urls := map[string]string{}
	for _, e := range endpoints {
		urls[e.Name] = e.URL
	}
	b, err := json.Marshal(urls)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".ports-*")
	if err != nil {
		return fmt.Errorf("--ports-file: %w", err)
	}
	_, err = temporary.Write(append(b, '\n'))
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	return err
}
