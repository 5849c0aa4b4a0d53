package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// MQ is the plugin. Its broker is a directory: NAME.in holds the records of a
// source, one a line in base64; NAME.done how many of them are done; what is
// published is appended to uplink.out.
type MQ struct {
	options options
	host    sdk.MQHost
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex // guards the following
	sources map[string]*source
	outbox  []sdk.Outgoing
	wake    chan struct{} // capacity 1: outbox has something
}

type options struct {
	Dir    string            `json:"dir"`
	Input  *sdk.InputOptions `json:"input"`
	Uplink *struct{}         `json:"uplink"`
}

var _ sdk.MQ = (*MQ)(nil)

// Info implements sdk.Plugin, as the following do.
func (*MQ) Info() sdk.Info {
	return sdk.Info{Name: "yourplugin", Kind: sdk.KindMQ, Version: "0.1.0", APIVersion: sdk.APIVersion}
}

func (m *MQ) Configure(text []byte) (sdk.Setup, []sdk.OptionError) {
	var o options
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return sdk.Setup{}, []sdk.OptionError{{Message: err.Error()}}
	}
	if o.Dir == "" {
		return sdk.Setup{}, []sdk.OptionError{{Pointer: "/dir", Message: "is needed"}}
	}
	m.options = o
	s := sdk.Setup{Input: o.Input}
	if o.Uplink != nil {
		s.Outputs = []sdk.Output{sdk.OutputUplink}
	}
	return s, nil
}

// Open begins to read and to publish. It fails for what will not mend itself.
func (m *MQ) Open(h sdk.MQHost) error {
	files, err := filepath.Glob(filepath.Join(m.options.Dir, "*.in"))
	if err != nil {
		return fmt.Errorf("look into %s: %w", m.options.Dir, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.host, m.cancel, m.sources, m.wake = h, cancel, map[string]*source{}, make(chan struct{}, 1)
	for _, file := range files {
		s := newSource(h, strings.TrimSuffix(file, ".in"))
		m.sources[s.name] = s
		if m.options.Input != nil {
			m.running.Go(func() { s.run(ctx) })
		}
	}
	m.running.Go(func() { m.publish(ctx) })
	h.Status(true, "the directory is there")
	return nil
}

func (m *MQ) Settle(settlements []sdk.Settlement) {
	for _, t := range settlements {
		if s := m.sources[t.Source]; s != nil {
			s.settle(t)
		}
	}
}

func (m *MQ) Pause(name string)  { m.pause(name, true) }
func (m *MQ) Resume(name string) { m.pause(name, false) }

func (m *MQ) pause(name string, paused bool) {
	if s := m.sources[name]; s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.paused = paused
	}
}

// Publish queues: the directory may be slow.
func (m *MQ) Publish(records []sdk.Outgoing) {
	m.mu.Lock()
	m.outbox = append(m.outbox, records...)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// publish answers each record when it is on the disk.
func (m *MQ) publish(ctx context.Context) {
	for {
		select {
		case <-m.wake:
		case <-ctx.Done():
			return
		}
		m.mu.Lock()
		records := m.outbox
		m.outbox = nil
		m.mu.Unlock()
		var lines []byte
		results := make([]sdk.PublishResult, len(records))
		for i, r := range records {
			results[i].ID = r.ID
			lines = append(base64.StdEncoding.AppendEncode(lines, r.Body), '\n')
		}
		if err := appendFile(filepath.Join(m.options.Dir, "uplink.out"), lines); err != nil {
			for i := range results {
				results[i].Error = err.Error()
			}
		}
		m.host.Published(results)
	}
}

func appendFile(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// Close ends all goroutines; what was settled is on the disk then.
func (m *MQ) Close(deadline time.Time) error {
	if m.cancel == nil {
		return nil // It was not open.
	}
	m.cancel()
	done := make(chan struct{})
	go func() { m.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(time.Until(deadline)):
		return fmt.Errorf("%s is too slow to close in time", m.options.Dir)
	}
}
