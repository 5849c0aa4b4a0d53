// Command generate writes what is made from the source of core/config; `go
// generate` runs it there, first for the comments, then, with these compiled in,
// for docs/config.md.
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/pushcore/pushcore/core/config"
	"github.com/pushcore/pushcore/core/config/internal/comments"
)

func main() {
	if err := generate(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(what []string) error {
	switch {
	case len(what) == 1 && what[0] == "comments":
		source, err := comments.Source(".")
		if err != nil {
			return err
		}
		return os.WriteFile(comments.GeneratedFile, source, 0o644)
	case len(what) == 1 && what[0] == "reference":
		var page bytes.Buffer
		if err := config.WriteReference(&page); err != nil {
			return err
		}
		return os.WriteFile("../../docs/config.md", page.Bytes(), 0o644)
	}
	return fmt.Errorf("say `comments` or `reference`, not %q", what)
}
