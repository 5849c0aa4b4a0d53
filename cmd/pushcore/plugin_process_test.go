package main

import (
	"os"
	"strings"
	"testing"
)

// third is a configuration with a transport as a third party's executable: this
// test binary, served as pushcore serves its own.
func third(listen string) string {
	return `
http: { listen: 127.0.0.1:0 }
plugins:
  edge: { command: [` + os.Args[0] + `, plugin, serve, tcp], config: { listen: ` + listen + ` } }
`
}

func TestCheckStartsThirdPartiesPluginsAsFarAsConfigure(t *testing.T) {
	pushcore(t, "", "check", "-c", writeFile(t, "node.yaml", third("127.0.0.1:0"))).want(t, exitOK).says(t, "is good")
	file := writeFile(t, "node.yaml", third("nowhere"))
	pushcore(t, "", "check", "-c", file).want(t, exitConfig, file+":4:", "127.0.0.1:7100")
	pushcore(t, "", "check", "-c", file, "--no-exec").want(t, exitOK).says(t, "edge", "is good")

	file = writeFile(t, "node.yaml", "plugins:\n  edge: { command: [/no/such/plugin] }\n")
	r := pushcore(t, "", "check", "-c", file).want(t, exitPlugin, file+":2:", "plugin edge (/no/such/plugin) was not found", "correct plugins.edge.command")
	if strings.Count(r.errOut, "\n") != 1 {
		t.Errorf("not one line:\n%s", r.errOut)
	}
	pushcore(t, "", "check", "-c", file, "--no-exec").want(t, exitOK)
}

func TestRunSaysWhyAPluginDoesNotStart(t *testing.T) {
	file := writeFile(t, "node.yaml", `
http: { listen: 127.0.0.1:0 }
plugins:
  edge: { command: [/bin/sh, -c, "echo no licence >&2; exit 3"] }
`)
	pushcore(t, "", "run", "-c", file).want(t, exitPlugin, file+":4:", "plugin edge (/bin/sh", "exited with status 3", "no licence")
}
