package config

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/pushcore/pushcore/core/config/internal/comments"
)

func TestGeneratedFilesAreFresh(t *testing.T) {
	source, err := comments.Source(".")
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := WriteReference(&page); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{
		comments.GeneratedFile: source,
		"../../docs/config.md": page.Bytes(),
	} {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v): run go generate ./core/config", path, err)
		}
	}
}

func everyKey(keys []key, visit func(*key)) {
	for i := range keys {
		visit(&keys[i])
		everyKey(keys[i].keys, visit)
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	everyKey(allKeys(), func(k *key) {
		if k.doc == "" || !strings.HasSuffix(k.doc, ".") {
			t.Errorf("%s: no sentence says what it is: %q", k.path, k.doc)
		}
		if !name.MatchString(k.key) {
			t.Errorf("%s: a key is [a-z][a-z0-9_]*", k.path)
		}
		isNumber := formOf(k.typ) == formInt || formOf(k.typ) == formUnit && k.typ != reflect.TypeFor[Secret]()
		if isNumber && (k.min == "" || k.max == "") {
			t.Errorf("%s: a number without bounds", k.path)
		}
	})
}

// An example begins at the key that it is for.
func TestExamplesInCommentsLoad(t *testing.T) {
	examples := 0
	everyKey(allKeys(), func(k *key) {
		if k.example == "" {
			return
		}
		examples++
		file := k.example
		if section, _, nested := strings.Cut(k.path, "."); nested {
			file = section + ":\n  " + strings.ReplaceAll(file, "\n", "\n  ")
		}
		file = strings.ReplaceAll(file, "${file:/run/secrets/a}", "${file:testdata/secrets/a}")
		if _, err := parse("n.yaml", []byte(file), nil); err != nil {
			t.Errorf("example of %s: %v", k.path, err)
		}
	})
	if examples < 6 {
		t.Errorf("only %d examples", examples)
	}
}

func TestStarterLoadsAsItIsAndUncommented(t *testing.T) {
	var starter bytes.Buffer
	if err := WriteStarter(&starter); err != nil {
		t.Fatal(err)
	}
	configured, _, _ := strings.Cut(starter.String(), "# The plugin instances")
	uncommented := regexp.MustCompile(`(?m)^( *)#(\S)`).ReplaceAllString(configured, "$1$2")
	for name, file := range map[string]string{"as it is": starter.String(), "uncommented": uncommented} {
		c, err := parse("n.yaml", []byte(file), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.Store.Path = "./data" // A relative path begins where the file is.
		if got, want := printed(t, c), printed(t, Default()); got != want {
			t.Errorf("%s, it is not the defaults:\n%s", name, got)
		}
	}
	for line := range strings.Lines(starter.String()) {
		if len(line) > 120 {
			t.Errorf("a long line: %s", line)
		}
	}
}

func TestUncommentedStarterPluginsLoad(t *testing.T) {
	uncommented := regexp.MustCompile(`(?m)^( *)#( *[a-z_]+:)`).ReplaceAllString(starterPlugins, "$1$2")
	c, err := parse("n.yaml", []byte(uncommented), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, uncommented)
	}
	if got := strings.Join(c.pluginNames(), " "); got != "tcp ws orders jobs" {
		t.Errorf("instances are %s", got)
	}
}

func printed(t *testing.T, c *Config) string {
	t.Helper()
	var out strings.Builder
	if err := c.Print(&out, false); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrintedConfigurationLoadsAgain(t *testing.T) {
	c := load(t, `
auth: { static: [ { sha256: "0123456789012345678901234567890123456789012345678901234567890123", user: "007", groups: ["a, b", "true", "x: y", "#"] } ] }
sessions: { platforms: { phone: { max: 2 }, "*": {} } }
delivery: { retry: [1500ms, 9m30s] }
groups: [ { match: "a*" } ]
limits: { accept_rate: 30/m, max_payload: 1025 }
ops: {}
plugins:
  a: { use: mq, config: { "odd key": [ { x: 1, y: [ [ 2 ] ] }, "- z", "" ], "~": null, m: {}, l: [], f: 1.0 } }
`)
	text := printed(t, c)
	again := load(t, text)
	if got := printed(t, again); got != text {
		t.Errorf("printed again it is\n%s\nnot\n%s", got, text)
	}
	if got, want := string(again.Plugins[0].Options), string(c.Plugins[0].Options); got != want {
		t.Errorf("options are %s, not %s", got, want)
	}
	if !reflect.DeepEqual(again.Auth.Static, c.Auth.Static) || again.Limits != c.Limits {
		t.Error("sections differ")
	}
}

func TestPrintHidesSecrets(t *testing.T) {
	c, err := parse("n.yaml", []byte(`
auth:
  jwt: { issuer: a, keys: [ { alg: HS256, secret: hunter2-hunter2-hunter2-hunter2-hunter2 } ] }
  callback: { url: "https://user:hunter2@h/" }
plugins:
  a:
    config:
      url: amqp://user:hunter2@h/
      urls: [ "amqp://user:hunter2@h/" ]
      password: hunter2
      sasl: { client_secret: hunter2, Token: hunter2 }
      dsn: ${DSN}
      passwords: { password: [ hunter2 ] }
`), []string{"DSN=hunter2", "PUSHCORE__PLUGINS__A__CONFIG__API_KEY=hunter2", "PUSHCORE__PLUGINS__A__USE=mq"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := c.Print(&out, true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret is printed:\n%s", out.String())
	}
	if !strings.Contains(string(c.Plugins[0].Options), `"password":"hunter2"`) {
		t.Errorf("the plugin does not get its secrets: %s", c.Plugins[0].Options)
	}
}

func TestSchemaKnowsEveryKey(t *testing.T) {
	var out bytes.Buffer
	if err := WriteSchema(&out); err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(out.Bytes(), &schema); err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	countProperties(schema, names)
	everyKey(allKeys(), func(k *key) { names[k.key]-- })
	for name, count := range names {
		if count < 0 {
			t.Errorf("the schema lacks %s", name)
		}
	}
}

func countProperties(schema any, names map[string]int) {
	switch node := schema.(type) {
	case map[string]any:
		if properties, ok := node["properties"].(map[string]any); ok {
			for name := range properties {
				names[name]++
			}
		}
		for _, inner := range node {
			countProperties(inner, names)
		}
	case []any:
		for _, inner := range node {
			countProperties(inner, names)
		}
	}
}

// A line of notyet.txt about a key that there is would refuse what works.
func TestNotYetTableIsAboutWhatIsNotThere(t *testing.T) {
	for _, rule := range notYetTable() {
		if rule.reason == "" || len(rule.path) < 2 {
			t.Errorf("incomplete: %+v", rule)
		}
		path := strings.Join(rule.path, ".")
		everyKey(allKeys(), func(k *key) {
			known := strings.NewReplacer("[]", "."+anyItem, "NAME", "*").Replace(k.path)
			if known == path && rule.value == "" {
				t.Errorf("%s is refused and there", path)
			}
		})
	}
}
