//go:build linux

package tcp_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/pushcore/pushcore/plugins/tcp"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
	"github.com/pushcore/pushcore/sdk/plugintest/driver"
)

// asDriver makes the test binary be the kit's driver for this transport.
const asDriver = "PUSHCORE_TEST_AS_DRIVER"

func TestMain(m *testing.M) {
	if os.Getenv(asDriver) == "" {
		os.Exit(m.Run())
	}
	if err := driver.Serve(plugintest.WireDriver{Dial: dial}, nil, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestConformanceWithADriverThatIsAnExecutable makes the same trials with devices
// in a process that speaks JSON lines.
func TestConformanceWithADriverThatIsAnExecutable(t *testing.T) {
	t.Setenv(asDriver, "1")
	p, err := driver.Start([]string{os.Args[0]}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	plugintest.TestTransport(t, plugintest.TransportSuite{
		New:     func() sdk.Transport { return tcp.New() },
		Options: []byte(`{"listen":"127.0.0.1:0"}`),
		Driver:  p,
		Lacks:   p.Lacks(),
	})
}
