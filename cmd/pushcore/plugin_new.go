package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// scaffolds are projects that work as they are, one a directory called
// LANGUAGE-KIND, for a plugin called yourplugin.
//
//go:embed scaffold
var scaffolds embed.FS

const (
	scaffoldDir  = "scaffold"
	scaffoldName = "yourplugin"
)

var pluginName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// newOptions say what project to make.
type newOptions struct{ kind, lang, dir, replace string }

func newPluginNew() *cobra.Command {
	var o newOptions
	cmd := &cobra.Command{
		Use:   "new NAME --kind transport|mq --lang go|python|node",
		Short: "Make a project for a plugin of your own, with driver and tests",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return o.make(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.kind, "kind", "transport", "transport, which carries devices' sessions, or mq, which joins a broker")
	f.StringVar(&o.lang, "lang", "go", "go, python or node")
	f.StringVar(&o.dir, "dir", "", "where to make it; it must not exist or be empty (default NAME)")
	f.StringVar(&o.replace, "replace", "", "a checkout of pushcore that a Go project is to be built with, in the place of a release")
	return cmd
}

func (o *newOptions) make(cmd *cobra.Command, name string) error {
	if !pluginName.MatchString(name) {
		return usage(fmt.Errorf("%q is no name of a plugin: it is [a-z][a-z0-9_]*", name))
	}
	from := path.Join(scaffoldDir, o.lang+"-"+o.kind)
	if _, err := fs.Stat(scaffolds, from); err != nil {
		return usage(fmt.Errorf("there is no project for --lang %s --kind %s; there is %s", o.lang, o.kind, o.list()))
	}
	if o.dir == "" {
		o.dir = name
	}
	if err := makeEmpty(o.dir); err != nil {
		return err
	}
	files, err := copyScaffold(from, o.dir, name)
	if err != nil {
		return err
	}
	if o.replace != "" && o.lang == "go" {
		if err := replaceModule(o.dir, o.replace); err != nil {
			return err
		}
	}
	return o.tell(cmd, files)
}

// list names the projects that there are.
func (o *newOptions) list() string {
	entries, err := fs.ReadDir(scaffolds, scaffoldDir)
	if err != nil {
		return "none" // It is part of the binary.
	}
	var names []string
	for _, e := range entries {
		lang, kind, _ := strings.Cut(e.Name(), "-")
		names = append(names, "--lang "+lang+" --kind "+kind)
	}
	return strings.Join(names, ", ")
}

func makeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = usage(fmt.Errorf("%s is not empty", dir))
	}
	return err
}

// copyScaffold writes a project's files for a plugin called name.
func copyScaffold(from, dir, name string) (files []string, err error) {
	err = fs.WalkDir(scaffolds, from, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(scaffolds, p)
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(p, from+"/")
		rel = strings.ReplaceAll(strings.TrimSuffix(rel, ".txt"), scaffoldName, name)
		files = append(files, rel)
		mode := os.FileMode(0o644)
		if strings.HasPrefix(string(b), "#!") {
			mode = 0o755
		}
		to := filepath.Join(dir, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(strings.ReplaceAll(string(b), scaffoldName, name)), mode)
	})
	slices.Sort(files)
	return files, err
}

var requirement = regexp.MustCompile(`(?m)^(?:require )?\t?(\S+ v\S+)(?: // indirect)?$`)

// replaceModule has a Go project built with a checkout: what that needs, in the same
// versions, is all that the project needs.
func replaceModule(dir, checkout string) error {
	checkout, err := filepath.Abs(checkout)
	if err != nil {
		return err
	}
	theirs, err := os.ReadFile(filepath.Join(checkout, "go.mod"))
	if err != nil {
		return usage(fmt.Errorf("--replace: %w", err))
	}
	sums, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	if err != nil {
		return usage(fmt.Errorf("--replace: %w", err))
	}
	var b strings.Builder
	b.WriteString("\nrequire (\n")
	for _, m := range requirement.FindAllSubmatch(theirs, -1) {
		fmt.Fprintf(&b, "\t%s // indirect\n", m[1])
	}
	fmt.Fprintf(&b, ")\n\nreplace github.com/pushcore/pushcore => %s\n", checkout)
	mod, err := os.OpenFile(filepath.Join(dir, "go.mod"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(mod, b.String())
	return errors.Join(err, mod.Close(), os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644))
}

// tell says what was made and what to do next.
func (o *newOptions) tell(cmd *cobra.Command, files []string) error {
	next := map[string]string{
		"go":     "go mod tidy && go test ./...",
		"python": "python3 -m pip install -r requirements.txt && ./check",
		"node":   "npm install && ./check",
	}[o.lang]
	if o.replace != "" {
		next = strings.TrimPrefix(next, "go mod tidy && ")
	}
	if asJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), map[string]any{"dir": o.dir, "files": files, "next": next})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s has\n  %s\nNext:\n  cd %s && %s\n", o.dir, strings.Join(files, "\n  "), o.dir, next)
	return err
}
