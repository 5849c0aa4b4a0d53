// Command driver makes places for the trials of the conformance kit: directories.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
	"github.com/pushcore/pushcore/sdk/plugintest/driver"
)

// lacks is what a directory cannot do; what needs it is not tried.
var lacks = []plugintest.Ability{plugintest.Cuts, plugintest.Reassigns, plugintest.Requeues}

func main() {
	if err := driver.ServeBroker(newPlace, true, lacks, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// place is a directory with two sources.
type place struct {
	dir     string
	sources []string
}

func newPlace([]byte) (plugintest.Broker, error) {
	dir, err := os.MkdirTemp("", "yourplugin-")
	p := &place{dir, []string{"a", "b"}}
	for _, s := range p.sources {
		err = errors.Join(err, os.WriteFile(p.file(s+".in"), nil, 0o644))
	}
	return p, err
}

func (p *place) file(name string) string { return filepath.Join(p.dir, name) }

// Options implements plugintest.Broker, as the following do.
func (p *place) Options() []byte {
	b, err := json.Marshal(map[string]any{"dir": p.dir, "input": struct{}{}, "uplink": struct{}{}})
	if err != nil {
		return nil // Texts can always be encoded.
	}
	return b
}

func (p *place) Sources() []string { return p.sources }

func (p *place) Produce(source string, bodies ...[]byte) error {
	f, err := os.OpenFile(p.file(source+".in"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	var lines []byte
	for _, body := range bodies {
		lines = append(base64.StdEncoding.AppendEncode(lines, body), '\n')
	}
	_, err = f.Write(lines)
	return errors.Join(err, f.Close())
}

func (p *place) lines(name string) ([][]byte, error) {
	b, err := os.ReadFile(p.file(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	lines := bytes.Split(b, []byte("\n"))
	return lines[:len(lines)-1], err
}

func (p *place) Waiting(source string) (int, error) {
	lines, err := p.lines(source + ".in")
	if err != nil {
		return 0, err
	}
	b, err := os.ReadFile(p.file(source + ".done"))
	if errors.Is(err, os.ErrNotExist) {
		return len(lines), nil
	}
	done, fault := strconv.Atoi(string(b))
	return len(lines) - done, errors.Join(err, fault)
}

func (p *place) Published(o sdk.Output) (bodies [][]byte, err error) {
	lines, err := p.lines(string(o) + ".out")
	for _, line := range lines {
		body, fault := base64.StdEncoding.AppendDecode(nil, line)
		bodies, err = append(bodies, body), errors.Join(err, fault)
	}
	return bodies, err
}

func (*place) Cut() error      { return errors.ErrUnsupported }
func (*place) Reassign() error { return errors.ErrUnsupported }
func (p *place) Close() error  { return os.RemoveAll(p.dir) }
