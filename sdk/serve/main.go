package serve

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// Main serves the plugin until its runtime closes it, or has been away for too
// long, and returns. It is to be called once, from main. A program that pushcore
// has not started says so and exits with status 2; one that cannot be served
// exits with status 1.
func Main(p sdk.Plugin) {
	if text := born.refusal(os.Args[0]); text != "" {
		fmt.Fprintln(os.Stderr, text)
		os.Exit(2)
	}
	if err := serve(p); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
}

func serve(p sdk.Plugin) error {
	dir := os.Getenv(pluginrpc.SocketDirKey)
	s, err := newServer(p, dir)
	if err != nil {
		return err
	}
	listener, err := listen(dir, s.presence, s.log)
	if err != nil {
		return err
	}
	go s.heedSignals()
	if _, err := fmt.Fprintf(born.stdout, "1|%d|unix|%s|grpc\n", pluginrpc.Protocol, listener.Addr()); err != nil {
		return fmt.Errorf("write the handshake: %w", err)
	}
	if err := born.stdout.Close(); err != nil {
		return fmt.Errorf("write the handshake: %w", err)
	}
	s.presence.begin()
	go boundOutput()
	err = s.run(listener)
	if s.alone.Load() {
		tidy(dir)
	}
	return err
}
