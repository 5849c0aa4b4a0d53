package serve

import (
	"os"
	"path/filepath"
	"time"
)

const (
	outputMax   = 4 << 20 // bytes of a file of what the process writes; the runtime empties it much earlier
	outputEvery = time.Second
)

// boundOutput empties the files to which standard output and standard error go
// when nobody else does: while there is no runtime they would fill the disk. It
// never returns.
func boundOutput() {
	for range time.Tick(outputEvery) {
		for _, f := range []*os.File{os.Stdout, os.Stderr} {
			if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > outputMax {
				_ = f.Truncate(0) // The next tick tries again.
			}
		}
	}
}

// tidy removes the private directory of a process that ends without a runtime to
// do so: what is known to be there, and the directory if that was all.
func tidy(dir string) {
	for _, pattern := range []string{"control", "links", "stdout*", "stderr*", "plugin-dir*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return // Its name is none that a runtime gives.
		}
		for _, path := range paths {
			_ = os.Remove(path)
		}
	}
	_ = os.Remove(dir)
}
