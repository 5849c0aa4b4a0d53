package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
	"github.com/pushcore/pushcore/sdk/plugintest/driver"
)

// TestConformance tries every rule of the contract, in places of ./driver.
func TestConformance(t *testing.T) {
	program := filepath.Join(t.TempDir(), "driver")
	if out, err := exec.Command("go", "build", "-o", program, "./driver").CombinedOutput(); err != nil {
		t.Fatalf("build the driver: %v\n%s", err, out)
	}
	places, err := driver.Start([]string{program}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer places.Close()
	plugintest.TestMQ(t, plugintest.MQSuite{
		New:        func() sdk.MQ { return &MQ{} },
		Broker:     func() (plugintest.Broker, error) { return places.Broker([]byte("{}")) },
		Driver:     places,
		Lacks:      places.Lacks(),
		Contiguous: places.Contiguous(),
	})
}
