package main

import (
	"strings"
	"testing"
)

func TestCheckNamesEveryFaultWithItsPlace(t *testing.T) {
	file := writeFile(t, "node.yaml", `
node: { lops: 2 }
delivery: { ttl: 90 }
plugins:
  tcp: { config: { listen: nowhere } }
`)
	pushcore(t, "", "check", "-c", file).want(t, exitConfig, file+":2:9", "loops", file+":3:18", "delivery.ttl")
	pushcore(t, "", "check").want(t, exitUsage, "-c FILE")
	file = writeFile(t, "node.yaml", "plugins:\n  tcp: { config: { listen: nowhere } }\n")
	pushcore(t, "", "check", "-c", file).want(t, exitConfig, file+":2:", "127.0.0.1:7100")
}

func TestCheckSaysWhatIsOpenAndWhatIsNotKept(t *testing.T) {
	file := writeFile(t, "node.yaml", anyPort+"delivery: { settle: memory }\n")
	pushcore(t, "", "check", "-c", file).want(t, exitOK).says(t, "auth is none", "no keys", "the store is on disk", "settled on acceptance", file+" is good")
	v := pushcore(t, "", "check", "-c", file, "--json").want(t, exitOK).object(t)
	if notes, _ := v["notes"].([]any); v["ok"] != true || len(notes) != 4 {
		t.Errorf("%v", v)
	}
}

func TestExamplesAreGood(t *testing.T) {
	for _, name := range []string{"minimal", "kafka", "rabbitmq"} {
		pushcore(t, "", "check", "-c", "../../examples/"+name+".yaml").want(t, exitOK)
	}
}

func TestStarterConfigurationIsGood(t *testing.T) {
	starter := pushcore(t, "", "config", "init").want(t, exitOK)
	pushcore(t, "", "check", "-c", writeFile(t, "node.yaml", starter.out)).want(t, exitOK)
}

func TestPrintedConfigurationHidesSecrets(t *testing.T) {
	const secret = "do not show this to anybody, please"
	file := writeFile(t, "node.yaml", `
auth: { jwt: { issuer: id, audience: a, keys: [ { alg: HS256, secret: "`+secret+`" } ] } }
plugins:
  tcp: { config: { listen: 127.0.0.1:0 } }
  orders: { use: kafka, config: { brokers: [127.0.0.1:9092], sasl: { mechanism: plain, username: u, password: "`+secret+`" }, input: { topics: [push], group: g } } }
`)
	r := pushcore(t, "", "config", "print", "-c", file).want(t, exitOK).says(t, "issuer: id", "HS256", "127.0.0.1:9092")
	if strings.Contains(r.out, secret) {
		t.Errorf("a secret is printed:\n%s", r.out)
	}
	pushcore(t, "", "config", "print", "-c", file, "--origins").want(t, exitOK).says(t, "node.yaml:2")
	pushcore(t, "", "config", "print").want(t, exitOK).says(t, "127.0.0.1:7100")
}

func TestSchemaIsJSON(t *testing.T) {
	r := pushcore(t, "", "config", "schema").want(t, exitOK)
	if !strings.HasPrefix(r.out, "{") || !strings.Contains(r.out, `"$schema"`) {
		t.Errorf("%.200s", r.out)
	}
}
