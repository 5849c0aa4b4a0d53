package config

import (
	"strings"
	"testing"

	"github.com/pushcore/pushcore/sdk"
)

const checkedFile = `http: { listen: "0.0.0.0:8080" }
ops: { listen: "[::1]:9090" }
plugins:
  edge:
    use: ws
    config:
      listen:
        - 127.0.0.1:7200
        - 0.0.0.0:7201
      tls: { cert_file: a.pem }
      a/b: { "~": 1 }
  orders: { use: mq, config: { input: { topics: [push, 7] }, uplink: {} } }
  jobs: { use: mqq, config: { uplink: {} } }
`

func load(t *testing.T, file string) *Config {
	t.Helper()
	c, err := parse("n.yaml", []byte(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantError(t *testing.T, err error, lines ...string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if want := strings.Join(lines, "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestPosNamesThePlaceOrTheNearestAround(t *testing.T) {
	c := load(t, checkedFile)
	for path, want := range map[string]string{
		"http.listen":                      "n.yaml:1:17",
		"http.keys[0].name":                "n.yaml:1:1",
		"plugins.edge":                     "n.yaml:4:3",
		"plugins.edge.config.listen":       "n.yaml:7:7",
		"plugins.edge.config.listen[1]":    "n.yaml:9:11",
		"plugins.edge.config.listen[7]":    "n.yaml:7:7",
		"plugins.edge.config.tls.key_file": "n.yaml:10:7",
		"plugins.absent.config":            "n.yaml:3:1",
		"store.kind":                       "n.yaml:1:1",
	} {
		if got := c.Pos(path).String(); got != want {
			t.Errorf("Pos(%s) = %s, want %s", path, got, want)
		}
	}
	if got := Default().Pos("store.kind").String(); got != "default" {
		t.Errorf("a default's place is %s", got)
	}
}

func TestPluginErrorsGetTheirPlaces(t *testing.T) {
	c := load(t, checkedFile)
	wantError(t, c.PluginErrors("edge", nil))
	wantError(t, c.PluginErrors("edge", []sdk.OptionError{
		{Pointer: "/listen/1", Message: "address in use"},
		{Pointer: "/a~1b/~0", Message: "unknown option"},
		{Pointer: "/tls/key_file", Message: "missing"},
		{Pointer: "/listen/9/x", Message: "odd"},
		{Pointer: "", Message: "wants more"},
	}),
		"n.yaml:6:5: plugins.edge.config: wants more",
		"n.yaml:7:7: plugins.edge.config.listen[9].x: odd",
		"n.yaml:9:11: plugins.edge.config.listen[1]: address in use",
		"n.yaml:10:7: plugins.edge.config.tls.key_file: missing",
		`n.yaml:11:19: plugins.edge.config."a/b"."~": unknown option`,
	)
	wantError(t, Default().PluginErrors("ws", []sdk.OptionError{{Pointer: "/path", Message: "wants a slash"}}),
		"plugins.ws.config.path: wants a slash")
}

func TestExposureWithoutAuthenticationIsRefused(t *testing.T) {
	c := load(t, checkedFile)
	listeners := c.Listeners(map[string][]string{"edge": {"127.0.0.1:7200", "0.0.0.0:7201"}})
	wantError(t, c.CheckExposure(listeners, false),
		"n.yaml:1:17: http.listen: 0.0.0.0:8080 can be reached from other machines and has no keys: set http.keys, listen on 127.0.0.1, or run with --insecure",
		"n.yaml:9:11: plugins.edge.config.listen[1]: 0.0.0.0:7201 can be reached from other machines and devices need not prove who they are: configure auth, listen on 127.0.0.1, or run with --insecure",
	)
	wantError(t, c.CheckExposure(listeners, true))

	c.Auth.Static = []StaticToken{{User: "a"}}
	c.HTTP.Keys = []HTTPKey{{Name: "a"}}
	wantError(t, c.CheckExposure(listeners, false))
}

func TestOnlyLoopbackIsNotExposed(t *testing.T) {
	tests := map[string]bool{
		"127.0.0.1:1":          true,
		"127.8.9.1:1":          true,
		"[::1]:1":              true,
		"[::ffff:127.0.0.1]:1": true,
		"localhost:1":          true,
		"LOCALHOST.:1":         true,
		"unix:/run/x.sock":     true,
		":1":                   false,
		"0.0.0.0:1":            false,
		"[::]:1":               false,
		"[::%lo]:1":            false,
		"10.0.0.1:1":           false,
		"localhost.evil:1":     false,
		"2130706433:1":         false,
		"127.1:1":              false,
		"":                     false,
		"127.0.0.1":            false,
	}
	for address, want := range tests {
		if got := isLoopback(address); got != want {
			t.Errorf("isLoopback(%q) = %v, want %v", address, got, want)
		}
	}
}

func TestUplinkNeedsARouteWhenTwoCanTakeIt(t *testing.T) {
	c := load(t, checkedFile)
	both := map[string][]sdk.Output{
		"orders": {sdk.OutputUplink, sdk.OutputReceipt},
		"jobs":   {sdk.OutputUplink},
	}
	_, err := c.CheckOutputs(both)
	wantError(t, err, "n.yaml:13:31: plugins.jobs.config.uplink: orders and jobs can both take what devices send: say which with routes.uplink")

	uplink, err := c.CheckOutputs(map[string][]sdk.Output{"jobs": {sdk.OutputUplink}})
	if wantError(t, err); uplink != "jobs" {
		t.Errorf("the only one that can take it is %q", uplink)
	}
	uplink, err = c.CheckOutputs(nil)
	if wantError(t, err); uplink != "" {
		t.Errorf("none can take it, and yet it is %q", uplink)
	}

	c = load(t, "routes: { uplink: orders, receipt: jobs }\n"+checkedFile)
	uplink, err = c.CheckOutputs(both)
	wantError(t, err, "n.yaml:1:36: routes.receipt: jobs has no `receipt` in its config to take it")
	if uplink != "orders" {
		t.Errorf("the route says orders, and yet it is %q", uplink)
	}
}

func TestCheckUseNamesTheNearestPlugin(t *testing.T) {
	c := load(t, checkedFile)
	wantError(t, c.CheckUse([]string{"ws", "mq"}), `n.yaml:13:16: plugins.jobs.use: no plugin is called "mqq" (did you mean mq?)`)
	wantError(t, c.CheckUse([]string{"mq", "mqq", "line"}), `n.yaml:5:10: plugins.edge.use: no plugin is called "ws": there are mq, mqq and line`)
}

func TestValidateOfAChangedConfiguration(t *testing.T) {
	c := Default()
	c.Delivery.TTL = 0
	c.Routes.Uplink = "wss"
	c.Groups = []Group{{Match: "a", Join: "device", MembersMax: 1}, {}}
	wantError(t, c.Validate(),
		"delivery.ttl: must be at least 1s, is 0",
		"groups[1].match: missing",
		`groups[1].join: "" is not one of device, claims, backend`,
		"groups[1].members_max: must be at least 1, is 0",
		`routes.uplink: no instance is called "wss" (did you mean ws?)`,
	)
}

func TestOptionsCrossAsJSON(t *testing.T) {
	c := load(t, `plugins:
  a: { use: mq, config: { i: 0x10, f: .5, big: 123456789012345678901234567890, s: "x<é>", z: 007, u: 1_000, neg: -.5e3, nul: ~, t: True, m: {}, l: [1, [a]], e: 1.0 } }
  b: { use: mq }
  c:
`)
	want := map[string]string{
		"a": `{"i":16,"f":0.5,"big":"123456789012345678901234567890","s":"x<é>","z":"007","u":1000,"neg":-500,"nul":null,"t":true,"m":{},"l":[1,["a"]],"e":1.0}`,
		"b": "{}",
		"c": "{}",
	}
	for name, options := range want {
		if got := string(c.Plugin(name).Options); got != options {
			t.Errorf("options of %s:\ngot  %s\nwant %s", name, got, options)
		}
	}
	if c.Plugin("c").Use != "c" || c.Plugin("absent") != nil {
		t.Error("use does not default to the name")
	}
}

func TestReferencesInOptionsInjectNoStructure(t *testing.T) {
	file := `plugins:
  a:
    use: mq
    config:
      plain: ${X}
      quoted: "${X}"
      mixed: n-${X}
`
	for value, want := range map[string]string{
		"7":          `{"plain":7,"quoted":"7","mixed":"n-7"}`,
		"true":       `{"plain":true,"quoted":"true","mixed":"n-true"}`,
		"007":        `{"plain":"007","quoted":"007","mixed":"n-007"}`,
		"null":       `{"plain":"null","quoted":"null","mixed":"n-null"}`,
		`{"a": [1]}`: `{"plain":"{\"a\": [1]}","quoted":"{\"a\": [1]}","mixed":"n-{\"a\": [1]}"}`,
		"x\ny: ${X}": `{"plain":"x\ny: ${X}","quoted":"x\ny: ${X}","mixed":"n-x\ny: ${X}"}`,
		"":           `{"plain":"","quoted":"","mixed":"n-"}`,
	} {
		c, err := parse("n.yaml", []byte(file), []string{"X=" + value})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(c.Plugin("a").Options); got != want {
			t.Errorf("X=%q:\ngot  %s\nwant %s", value, got, want)
		}
	}
}

func TestGroupRulesFirstMatchWins(t *testing.T) {
	c := load(t, `groups:
  - { match: "chat.vip.*", join: backend }
  - { match: "chat.*", join: device }
  - { match: "*.eu.*.x", members_max: 5 }
  - { match: exact }
`)
	for name, want := range map[string]string{
		"chat.vip.1": "chat.vip.*",
		"chat.":      "chat.*",
		"chat":       "*",
		"a.eu.b.x":   "*.eu.*.x",
		"a.eu.x":     "*",
		".eu..x":     "*.eu.*.x",
		"exact":      "exact",
		"exactly":    "*",
		"":           "*",
	} {
		if got := c.Group(name); got.Match != want {
			t.Errorf("%q has the rule %q, want %q", name, got.Match, want)
		}
	}
	if rule := c.Group("other"); rule.Join != "claims" || rule.MembersMax != 10000 {
		t.Errorf("a group without a rule has %+v", rule)
	}
}

func TestPlatformPolicy(t *testing.T) {
	c := load(t, `sessions: { platforms: { phone: {}, "*": { max: 5, wins: oldest } } }`)
	if p, ok := c.Sessions.Platform("phone"); !ok || p != (Platform{Max: 1, Wins: "newest"}) {
		t.Errorf("phone has %+v, %v", p, ok)
	}
	if p, ok := c.Sessions.Platform("web"); !ok || p != (Platform{Max: 5, Wins: "oldest"}) {
		t.Errorf("web has %+v, %v", p, ok)
	}
	if _, ok := Default().Sessions.Platform("web"); ok {
		t.Error("there is a policy nobody wrote")
	}
}
