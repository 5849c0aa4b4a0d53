package process

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// staleAfter is how old a private directory is in which nobody listens before it
// is taken for one that was left behind: a process may be starting there.
const staleAfter = time.Minute

// Sweep ends the processes of an earlier runtime that the configuration does not
// have any more, which would keep their listeners, and removes what ended ones
// have left. It is called by the one node that has the data directory, before it
// opens plugins; kept are the configurations of those.
func Sweep(dataDir string, kept []*Plugin, log *slog.Logger) {
	dir, err := pluginsDir(dataDir)
	if err != nil {
		return // There is none.
	}
	var paths, dirs []string
	for _, p := range kept {
		paths = append(paths, filepath.Base(p.cfg.savedPath()))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		log.Warn("what plugins' processes have left is not looked through", "error", err)
		return
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch s, err := readSaved(path); {
		case filepath.Ext(path) != ".json" || err != nil || s == nil:
		case slices.Contains(paths, e.Name()):
			dirs = append(dirs, filepath.Base(s.Dir))
		case s.Identity != "" && identity(s.PID) == s.Identity:
			a := &attached{child: newChild(), saved: s}
			a.follow()
			a.giveUp(log.With("plugin", e.Name()), path, "the configuration does not have it any more")
		default:
			s.forget(path)
		}
	}
	for _, e := range entries {
		if e.IsDir() && isPrivateDir(e.Name()) && !slices.Contains(dirs, e.Name()) {
			sweepDir(filepath.Join(dir, e.Name()))
		}
	}
}

// sweepDir removes a private directory that nobody uses.
func sweepDir(dir string) {
	info, err := os.Stat(dir)
	if err != nil || time.Since(info.ModTime()) < staleAfter {
		return
	}
	sockets, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return
	}
	for _, path := range sockets {
		if c, err := net.Dial("unix", path); err == nil {
			_ = c.Close()
			return
		}
	}
	_ = os.RemoveAll(dir)
}
