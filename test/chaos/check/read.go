package check

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// lineBytesMax bounds a line, and with it a payload.
const lineBytesMax = 8 << 20

// ReadDir reads all logs (*.tsv) of a folder, oldest event first. Of one file the order is kept.
func ReadDir(dir string) ([]Event, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.tsv"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []Event
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		all, err = read(all, file)
		_ = file.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	slices.SortStableFunc(all, func(a, b Event) int { return a.At.Compare(b.At) })
	return all, nil
}

// read appends the events of a log. A last line without an end belongs to a process that was killed while it wrote, and
// does not count.
func read(to []Event, r io.Reader) ([]Event, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return to, nil
		}
		if err != nil {
			return to, err
		}
		if len(line) > lineBytesMax {
			return to, fmt.Errorf("a line of %d bytes", len(line))
		}
		e, err := ParseEvent(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return to, err
		}
		to = append(to, e)
	}
}
