package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

const (
	lookEvery = 50 * time.Millisecond // for new lines
	batchMax  = 100                   // records
)

// source is one file: its lines come in order, and are done in order.
type source struct {
	host       sdk.MQHost
	path, name string
	saved      uint64 // in the file; owned by run
	next       uint64 // line to be handed over; owned by run

	mu      sync.Mutex // guards the following
	done    uint64     // all lines before it are settled
	settled map[uint64]bool
	paused  bool
}

func newSource(h sdk.MQHost, path string) *source {
	s := &source{host: h, path: path, name: filepath.Base(path), settled: map[uint64]bool{}}
	if b, err := os.ReadFile(path + ".done"); err == nil { // Else nothing is done.
		s.done, _ = strconv.ParseUint(string(b), 10, 64)
	}
	s.next, s.saved = s.done, s.done
	return s
}

// settle notes what is done. There may be holes; the file never passes one.
func (s *source) settle(t sdk.Settlement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Epoch != epoch || t.Outcome == sdk.Requeue {
		return
	}
	for _, p := range t.Positions {
		s.settled[p] = true
	}
	for s.settled[s.done] {
		delete(s.settled, s.done)
		s.done++
	}
}

// epoch is the only one: nobody takes the source away while the plugin runs.
const epoch = 1

// run hands over lines as they come, and saves what is done.
func (s *source) run(ctx context.Context) {
	s.host.Assigned(sdk.Source{Name: s.name, Epoch: epoch, StablePositions: true})
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for ctx.Err() == nil {
		s.save()
		if !s.batch(ctx) {
			select {
			case <-look.C:
			case <-ctx.Done():
			}
		}
	}
	s.save()
	s.host.Revoked(s.name, epoch)
}

func (s *source) save() {
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if done == s.saved {
		return
	}
	err := os.WriteFile(s.path+".new", strconv.AppendUint(nil, done, 10), 0o644)
	if err == nil {
		err = os.Rename(s.path+".new", s.path+".done")
	}
	if err != nil {
		s.host.Status(false, err.Error()) // It is tried again.
		return
	}
	s.saved = done
}

// batch hands over the next lines, false if there are none. It waits while the
// runtime has no room; what is done meanwhile is saved after it.
func (s *source) batch(ctx context.Context) bool {
	s.mu.Lock()
	paused := s.paused
	s.mu.Unlock()
	b, err := os.ReadFile(s.path + ".in")
	if paused || err != nil {
		return false
	}
	lines := bytes.Split(b, []byte("\n"))
	lines = lines[:len(lines)-1] // What has no end yet is no line.
	r := sdk.Records{Source: s.name, Epoch: epoch}
	for n := s.next; n < uint64(len(lines)) && len(r.Records) < batchMax; n++ {
		body, err := base64.StdEncoding.AppendDecode(nil, lines[n])
		if err != nil {
			body = lines[n] // The runtime says what it thinks of it.
		}
		r.Records = append(r.Records, sdk.Record{Position: n, Body: body})
	}
	if len(r.Records) == 0 || s.host.Batch(ctx, r) != nil {
		return false
	}
	s.next += uint64(len(r.Records))
	return true
}
