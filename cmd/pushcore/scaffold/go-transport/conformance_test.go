package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
	"github.com/pushcore/pushcore/sdk/plugintest/driver"
)

// TestConformance tries every rule of the contract, with devices of ./driver.
func TestConformance(t *testing.T) {
	program := filepath.Join(t.TempDir(), "driver")
	if out, err := exec.Command("go", "build", "-o", program, "./driver").CombinedOutput(); err != nil {
		t.Fatalf("build the driver: %v\n%s", err, out)
	}
	devices, err := driver.Start([]string{program}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer devices.Close()
	plugintest.TestTransport(t, plugintest.TransportSuite{
		New:     func() sdk.Transport { return &Transport{} },
		Options: []byte(`{"listen":"127.0.0.1:0"}`),
		Driver:  devices,
		Lacks:   devices.Lacks(),
	})
}
