package main

import (
	"os"
	"strings"
	"testing"
)

func TestPluginListShowsBuiltInsAndInstances(t *testing.T) {
	pushcore(t, "", "plugin", "list").want(t, exitOK).says(t, "BUILT-IN", "kafka", "mq", "tcp", "transport")
	file := writeFile(t, "n.yaml", "plugins:\n  tcp: {}\n  edge: { use: ws, placement: process, processes: 2 }\n  mqtt: { command: [/opt/mqtt, -v] }\n")
	got := pushcore(t, "", "plugin", "list", "-c", file).want(t, exitOK)
	for line, want := range map[string]string{"tcp ": "core -", "edge ": "process 2 ws", "mqtt ": "process 1 /opt/mqtt -v"} {
		found := false
		for _, l := range strings.Split(got.out, "\n") {
			found = found || strings.HasPrefix(l, line) && strings.Contains(strings.Join(strings.Fields(l), " "), want)
		}
		if !found {
			t.Errorf("no line %s… with %q:\n%s", line, want, got.out)
		}
	}
	v := pushcore(t, "", "plugin", "list", "-c", file, "--json").want(t, exitOK).object(t)
	if len(v["built_in"].([]any)) != len(builtIn.Names()) || len(v["instances"].([]any)) != 3 {
		t.Error(v)
	}
}

func TestPluginInspectShowsWhatABuiltInIs(t *testing.T) {
	for _, name := range builtIn.Names() {
		pushcore(t, "", "plugin", "inspect", name).want(t, exitOK).says(t, "name:         "+name, "plugin API:   1.0")
		if v := pushcore(t, "", "plugin", "inspect", name, "--json").want(t, exitOK).object(t); v["name"] != name {
			t.Error(v)
		}
	}
	pushcore(t, "", "plugin", "inspect", "kafak").want(t, exitUsage, "no built-in plugin is called \"kafak\" (did you mean kafka?)")
	pushcore(t, "", "plugin", "inspect").want(t, exitUsage, "NAME of a built-in plugin")
	pushcore(t, "", "plugin", "inspect", "--").want(t, exitUsage)
}

func TestPluginInspectStartsAnExecutable(t *testing.T) {
	for _, name := range builtIn.Names() {
		v := pushcore(t, "", "plugin", "inspect", "--json", "--", os.Args[0], "plugin", "serve", name).want(t, exitOK).object(t)
		if v["name"] != name {
			t.Error(v)
		}
	}
	pushcore(t, "", "plugin", "inspect", "--", "/bin/sh", "-c", "echo hello; exit 3").want(t, exitPlugin, `printed "hello" on standard output before its handshake`)
	pushcore(t, "", "plugin", "inspect", "--", "/no/such/plugin").want(t, exitPlugin, "there is no file /no/such/plugin")
}
