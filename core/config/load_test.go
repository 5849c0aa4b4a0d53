package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what the scenarios in testdata want")

// A scenario in testdata/load holds a file, optionally an environment, and what
// loading them gives: the faults as users see them, or where every value that was
// written came from, then the warnings.
func TestLoadScenarios(t *testing.T) {
	paths, err := filepath.Glob("testdata/load/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			given, want, _ := strings.Cut(string(content), "-- gives --\n")
			got := loadScenario(given)
			if *update {
				if err := os.WriteFile(path, []byte(given+"-- gives --\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func loadScenario(given string) string {
	file, env, _ := strings.Cut(given, "-- env --\n")
	c, err := parse("testdata/n.yaml", []byte(file), strings.Split(strings.TrimSpace(env), "\n"))
	if err != nil {
		return err.Error() + "\n"
	}
	var all, written strings.Builder
	c.Print(&all, true)
	for line := range strings.Lines(all.String()) {
		if strings.Contains(line, "  # ") || strings.HasSuffix(line, "-\n") {
			written.WriteString(line)
		}
	}
	for _, warning := range c.Warnings {
		written.WriteString("warning: " + warning.Error() + "\n")
	}
	return written.String()
}

func TestLoadReportsAnUnreadableFile(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "absent.yaml"): filepath.Join(dir, "absent.yaml") + ": no such file",
		dir:                               dir + ": cannot be read: is a directory",
	} {
		_, err := Load(path, nil)
		if _, ok := err.(Errors); !ok || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestDefaultListensOnLoopbackOnly(t *testing.T) {
	c := Default()
	if len(c.Plugins) != 2 || c.Plugins[0].Name != "tcp" || c.Plugins[1].Name != "ws" {
		t.Fatalf("plugins are %v", c.pluginNames())
	}
	if got := string(c.Plugins[1].Options); got != `{"listen":"127.0.0.1:7200","path":"/connect"}` {
		t.Errorf("options of ws are %s", got)
	}
	if c.HTTP.Listen != "127.0.0.1:8080" || c.Store.Kind != "disk" || !c.Auth.Open() || c.Ops != nil {
		t.Errorf("defaults are %+v", c)
	}
	if err := c.Validate(); err != nil {
		t.Errorf("the defaults are not valid: %v", err)
	}
}

func TestExamplesLoad(t *testing.T) {
	paths, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(paths) < 3 {
		t.Fatalf("examples are %v, %v", paths, err)
	}
	for _, path := range paths {
		if c, err := Load(path, nil); err != nil {
			t.Error(err)
		} else if len(c.Warnings) > 0 {
			t.Error(c.Warnings)
		}
	}
}

func FuzzLoad(f *testing.F) {
	paths, _ := filepath.Glob("testdata/load/*.txt")
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		given, _, _ := strings.Cut(string(content), "-- gives --\n")
		file, env, _ := strings.Cut(given, "-- env --\n")
		f.Add(file, env)
	}
	f.Add("a: &a [*a]", "PUSHCORE__AUTH__JWT__0__KEYS__0=[")
	f.Add("plugins: {ws: {config: !!str [1]}}", "PUSHCORE__PLUGINS__WS__CONFIG={a: 1}\nPUSHCORE__PLUGINS__WS__CONFIG__A__B=2")
	f.Fuzz(func(t *testing.T, file, env string) {
		if strings.Contains(file+env, "file:") {
			t.Skip("would read any file")
		}
		c, err := parse("n.yaml", []byte(file), strings.Split(env, "\n"))
		if err != nil {
			checkErrors(t, err)
			return
		}
		var printed strings.Builder
		if err := c.Print(&printed, true); err != nil {
			t.Fatal(err)
		}
		if _, err := parse("n.yaml", []byte(printed.String()), strings.Split(env, "\n")); err != nil {
			t.Errorf("printed, it does not load:\n%v\n%s", err, printed.String())
		}
	})
}

// checkErrors holds every fault to be one line with a place.
func checkErrors(t *testing.T, err error) {
	faults, ok := err.(Errors)
	if !ok || len(faults) == 0 {
		t.Fatalf("not Errors: %v", err)
	}
	for _, fault := range faults {
		line := fault.Error()
		if strings.ContainsAny(line, "\n\r") || fault.Pos.IsZero() || fault.Text == "" {
			t.Errorf("no line with a place: %q", line)
		}
	}
}
