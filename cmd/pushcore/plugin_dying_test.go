package main

import (
	"fmt"
	"os"

	"github.com/pushcore/pushcore/plugins/tcp"
	"github.com/pushcore/pushcore/sdk"
)

// dying is a transport whose process ends when it is told to deliver.
type dying struct{ sdk.Transport }

func (dying) Deliver(sdk.Loop, *sdk.Batch) {
	fmt.Fprintln(os.Stderr, "panic: no more")
	os.Exit(7)
}

// addDying adds it to the built-in ones: in the test, and in the process that is
// started for it.
func addDying() { builtIn.Transports["dying"] = func() sdk.Transport { return dying{tcp.New()} } }
