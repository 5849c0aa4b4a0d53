package main

import (
	"net"
	"os"
	"path/filepath"
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

func TestProcessesShareAnAddress(t *testing.T) {
	instance := func(use, config string) string {
		return writeFile(t, "node.yaml", "http: { listen: 127.0.0.1:0 }\nplugins:\n  edge: { use: "+use+", placement: process, processes: 2, config: "+config+" }\n")
	}
	file := instance("tcp", "{ listen: 127.0.0.1:0 }")
	pushcore(t, "", "check", "-c", file).want(t, exitConfig, file+":3:", "plugins.edge.processes", "cannot share 127.0.0.1:0: give it a port")
	file = instance("kafka", "{ brokers: [127.0.0.1:9], uplink: { topic: up } }")
	pushcore(t, "", "check", "-c", file).want(t, exitConfig, file+":3:", "plugins.edge.processes", "an MQ plugin has one process")

	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	dir := t.TempDir()
	node := startNode(t, "http: { listen: 127.0.0.1:0 }\nstore: { path: "+dir+" }\nplugins:\n  edge: { use: tcp, placement: process, processes: 2, config: { listen: "+address+" } }\n")
	for _, name := range []string{"edge.json", "edge.2.json"} {
		if _, err := os.Stat(filepath.Join(dir, "plugins", name)); err != nil {
			t.Error(err)
		}
	}
	if got := node.urls["edge"]; got != "tcp://"+address || len(node.urls) != 2 {
		t.Errorf("%v", node.urls)
	}
	if code := node.stop(t); code != exitOK {
		t.Errorf("exit code %d\n%s", code, node.out.String())
	}
}
