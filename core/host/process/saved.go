package process

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// saved is what a runtime that comes back has to know of a process. go-plugin
// checks nothing on reattaching, so what must fit is here.
type saved struct {
	PID         int    `json:"pid"`
	Identity    string `json:"identity"` // tells the process from a later one with its id
	Network     string `json:"network"`  // of the control address
	Address     string `json:"address"`
	Protocol    int    `json:"protocol"`
	Fingerprint string `json:"fingerprint"` // of what it was started and configured with
	Name        string `json:"name"`        // of the plugin
	Version     string `json:"version"`
	Loops       int    `json:"loops"`
	Dir         string `json:"dir"` // its private directory
	Runtime     string `json:"runtime"`
}

// savedPath is where the process of an instance is written down.
func (c *Config) savedPath() string {
	name := c.Instance
	if c.Part > 0 {
		name = fmt.Sprintf("%s.%d", name, c.Part+1)
	}
	return filepath.Join(c.DataDir, "plugins", name+".json")
}

// fingerprint changes with all that a process cannot be told later.
func (c *Config) fingerprint(options []byte) string {
	command := c.Command
	if c.BuiltIn != "" {
		command = []string{c.BuiltIn}
	}
	encoded, err := json.Marshal([]any{command, c.SHA256, c.Env, c.Shared, options})
	if err != nil {
		return "" // Strings and bytes always encode.
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

// write replaces the file, whole or not at all.
func (s *saved) write(path string) error {
	encoded, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".part-") // 0600
	if err != nil {
		return err
	}
	_, err = part.Write(append(encoded, '\n'))
	if err = errors.Join(err, part.Sync(), part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		_ = os.Remove(part.Name())
	}
	return err
}

// readSaved returns nil if no process is written down.
func readSaved(path string) (*saved, error) {
	encoded, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &saved{}
	if err := json.Unmarshal(encoded, s); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return s, nil
}

// forget removes what is written down of a process, and its directory.
func (s *saved) forget(path string) {
	_ = os.Remove(path)
	if filepath.IsAbs(s.Dir) && isPrivateDir(s.Dir) {
		_ = os.RemoveAll(s.Dir)
	}
}

// findable says whether a later runtime can find the process.
func (p *Process) findable() bool { return p.cfg.DataDir != "" && p.identity != "" }

// save writes the process down, so that a later runtime finds it.
func (p *Process) save(loops int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.savedAt = p.cfg.savedPath()
	s := &saved{
		PID: p.PID(), Identity: p.identity, Network: p.address.Network(), Address: p.address.String(),
		Protocol: protocol, Fingerprint: p.fingerprint, Name: p.info.Name, Version: p.info.Version,
		Loops: loops, Dir: p.dir, Runtime: p.cfg.Runtime,
	}
	_, err := pluginsDir(p.cfg.DataDir)
	if err == nil {
		err = s.write(p.savedAt)
	}
	if err != nil {
		return fmt.Errorf("write down where the process of %s is: %w", p.cfg.Instance, err)
	}
	return nil
}
