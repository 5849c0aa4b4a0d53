package soak

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
)

// payload is what a publisher sends: user, number and a hash over both.
func payload(user string, number int) string {
	text := user + " " + strconv.Itoa(number)
	sum := sha256.Sum256([]byte(text))
	return text + " " + hex.EncodeToString(sum[:4])
}

// messageID names the event.
func messageID(user string, number int) string { return fmt.Sprintf("%s-%d", user, number) }

// fleet is many devices, each of a user of its own, and the books of what they got.
type fleet struct {
	t       *testing.T
	devices []*device
	clients []*client.Client
	handled atomic.Int64 // distinct messages
	faults  faults
}

// device is one user's device and what it has handled.
type device struct {
	user string

	mu   sync.Mutex
	last int    // highest number handled
	got  []bool // by number
}

// faults gathers what must not happen, up to a bound.
type faults struct {
	mu   sync.Mutex
	list []string
}

func (f *faults) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) < 20 {
		f.list = append(f.list, fmt.Sprintf(format, args...))
	}
}

func userName(i int) string { return fmt.Sprintf("user-%d", i) }

// newFleet connects devices, over each of the addresses in turn, and lets each
// expect the numbers 0 to each-1.
func newFleet(t *testing.T, users, each int, urls ...string) *fleet {
	t.Helper()
	f := &fleet{t: t}
	for i := range users {
		d := &device{user: userName(i), last: -1, got: make([]bool, each)}
		c, err := client.New(client.Config{
			URLs: []string{urls[i%len(urls)]}, User: d.user, Device: "d", AckDelay: 2 * time.Millisecond,
			Handler: func(_ context.Context, m client.Message) error {
				f.handle(d, &m)
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		f.devices, f.clients = append(f.devices, d), append(f.clients, c)
	}
	t.Cleanup(f.close)
	return f
}

// handle checks a message as it comes: for the right user, whole, in order. A
// number at or below the last one must be a repeat of one that was handled.
func (f *fleet) handle(d *device, m *client.Message) {
	parts := strings.Fields(string(m.Payload))
	number, err := strconv.Atoi(parts[1])
	if err != nil || len(parts) != 3 || string(m.Payload) != payload(parts[0], number) {
		f.faults.add("corrupt: %q", m.Payload)
		return
	}
	if parts[0] != d.user {
		f.faults.add("wrong receiver: %s got %s", d.user, m.Payload)
		return
	}
	if m.ID != messageID(d.user, number) {
		f.faults.add("another id: %s for %s", m.ID, m.Payload)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.got[number]: // A repeat, under its id.
	case number < d.last:
		f.faults.add("misordered: %s after %d", m.Payload, d.last)
		fallthrough
	default:
		d.got[number] = true
		d.last = max(d.last, number)
		f.handled.Add(1)
	}
}

// has says whether a user's device has handled a number.
func (f *fleet) has(user, number int) bool {
	d := f.devices[user]
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.got[number]
}

// connected counts the devices that were let in at least once.
func (f *fleet) connected() int {
	n := 0
	for _, c := range f.clients {
		if c.Stats().Connections > 0 {
			n++
		}
	}
	return n
}

// resumed counts how often sessions went on after a break.
func (f *fleet) resumed() (n uint64) {
	for _, c := range f.clients {
		n += c.Stats().Resumed
	}
	return n
}

func (f *fleet) repeats() (n uint64) {
	for _, c := range f.clients {
		n += c.Stats().Repeats
	}
	return n
}

func (f *fleet) check() {
	f.t.Helper()
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	for _, fault := range f.faults.list {
		f.t.Error(fault)
	}
}

func (f *fleet) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var wait sync.WaitGroup
	for _, c := range f.clients {
		wait.Go(func() { _ = c.Close(ctx) })
	}
	wait.Wait()
}
