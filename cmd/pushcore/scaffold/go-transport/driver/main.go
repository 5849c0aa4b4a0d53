// Command driver speaks the protocol of yourplugin as devices do, for the
// conformance kit.
package main

import (
	"fmt"
	"os"

	"github.com/pushcore/pushcore/sdk/plugintest"
	"github.com/pushcore/pushcore/sdk/plugintest/driver"
)

// lacks is what the protocol cannot do; what needs it is not tried.
var lacks = []plugintest.Ability{
	plugintest.AckRanges, plugintest.Nacks, plugintest.Refreshes, plugintest.Resumes, plugintest.Heartbeats, plugintest.Platforms,
	plugintest.Codecs, plugintest.KeepAlives, plugintest.Windows, plugintest.OpenGroups, plugintest.Positions,
}

func main() {
	if err := driver.Serve(lines{}, lacks, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
