package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeMQ answers publishes as told and keeps the calls in order.
type fakeMQ struct {
	host   sdk.MQHost
	failed error
	hold   bool // answer no publish

	mu    sync.Mutex // guards calls
	calls []string
}

func (f *fakeMQ) Info() sdk.Info                                  { return sdk.Info{Name: "fake", Kind: sdk.KindMQ} }
func (f *fakeMQ) Configure([]byte) (sdk.Setup, []sdk.OptionError) { return sdk.Setup{}, nil }
func (f *fakeMQ) Open(h sdk.MQHost) error                         { f.host = h; return f.failed }
func (f *fakeMQ) Close(time.Time) error                           { f.note("close"); return nil }
func (f *fakeMQ) Pause(source string)                             { f.note("pause " + source) }
func (f *fakeMQ) Resume(source string)                            { f.note("resume " + source) }
func (f *fakeMQ) Settle(s []sdk.Settlement)                       { f.note(fmt.Sprint("settle ", s[0].Positions)) }
func (f *fakeMQ) Publish(r []sdk.Outgoing) {
	for _, o := range r {
		f.note("publish " + string(o.Body))
		if !f.hold {
			f.host.Published([]sdk.PublishResult{{ID: o.ID}})
		}
	}
}

func (f *fakeMQ) note(s string) {
	f.mu.Lock()
	f.calls = append(f.calls, s)
	f.mu.Unlock()
}

type noIngress struct{}

func (noIngress) Assigned(string, sdk.Source)                      {}
func (noIngress) Revoked(string, string, uint64)                   {}
func (noIngress) Batch(context.Context, string, sdk.Records) error { return nil }

func open(t *testing.T, f *fakeMQ, outstandingMax int) *Broker {
	t.Helper()
	b := NewBroker("orders", f, noIngress{}, outstandingMax, slog.New(slog.DiscardHandler))
	if err := b.Open(); err != nil {
		t.Fatal(err)
	}
	return b
}

func body(s string) sdk.Outgoing { return sdk.Outgoing{Output: sdk.OutputUplink, Body: []byte(s)} }

func TestCallsReachThePluginInOrder(t *testing.T) {
	f := &fakeMQ{}
	b := open(t, f, 10)
	results := make(chan sdk.PublishResult, 3)
	b.Pause("a")
	b.Publish(body("1"), func(r sdk.PublishResult) { results <- r })
	b.Publish(body("2"), func(r sdk.PublishResult) { results <- r })
	b.Settle([]sdk.Settlement{{Positions: []uint64{7}}})
	b.Resume("a")
	for range 2 {
		if r := <-results; r.Error != "" {
			t.Errorf("publish failed: %s", r.Error)
		}
	}
	if err := b.Close(time.Now()); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(f.calls), "[pause a publish 1 publish 2 settle [7] resume a close]"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestPublishesBeyondTheBoundAreRefused(t *testing.T) {
	f := &fakeMQ{hold: true}
	b := open(t, f, 1)
	got := make(chan sdk.PublishResult, 2)
	b.Publish(body("1"), func(r sdk.PublishResult) { got <- r })
	b.Publish(body("2"), func(r sdk.PublishResult) { got <- r })
	if r := <-got; r.Error == "" || r.Final {
		t.Fatalf("the second should be refused as retryable, got %+v", r)
	}
	if err := b.Close(time.Now()); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.Error == "" {
		t.Fatal("what has no result at the end was not answered")
	}
	b.Publish(body("3"), func(r sdk.PublishResult) { got <- r })
	if r := <-got; r.Error == "" {
		t.Fatal("a publish after the end was taken")
	}
}

func TestPluginThatHangsIsLeftBehindAtTheDeadline(t *testing.T) {
	for name, hang := range map[string]func(f *hangingMQ, b *Broker){
		"in a call": func(f *hangingMQ, b *Broker) { b.Pause("a"); <-f.entered },
		"in Close":  func(f *hangingMQ, _ *Broker) { f.inClose = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &hangingMQ{fakeMQ: fakeMQ{hold: true}, entered: make(chan struct{}), release: make(chan struct{})}
				b := NewBroker("orders", f, noIngress{}, 10, slog.New(slog.DiscardHandler))
				if err := b.Open(); err != nil {
					t.Fatal(err)
				}
				got := make(chan sdk.PublishResult, 1)
				b.Publish(body("1"), func(r sdk.PublishResult) { got <- r })
				hang(f, b)
				began := time.Now()
				err := b.Close(began.Add(5 * time.Second))
				if took := time.Since(began); err == nil || took != 5*time.Second+closeGrace {
					t.Errorf("Close returned %v after %v", err, took)
				}
				if r := <-got; r.Error == "" {
					t.Error("what has no result at the end was not refused")
				}
				close(f.release)
			})
		})
	}
}

// hangingMQ does not return from Pause, or from Close, until it is released.
type hangingMQ struct {
	fakeMQ
	inClose          bool
	entered, release chan struct{}
}

func (f *hangingMQ) Pause(string) { close(f.entered); <-f.release }
func (f *hangingMQ) Close(time.Time) error {
	if f.inClose {
		<-f.release
	}
	return nil
}

func TestUnknownResultsAreIgnored(t *testing.T) {
	b := open(t, &fakeMQ{}, 1)
	b.Published([]sdk.PublishResult{{ID: 99}})
	if err := b.Close(time.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestPluginThatDoesNotOpen(t *testing.T) {
	b := NewBroker("orders", &fakeMQ{failed: errors.New("refused")}, noIngress{}, 1, slog.New(slog.DiscardHandler))
	if err := b.Open(); err == nil {
		t.Fatal("no error")
	}
}

func TestRoutes(t *testing.T) {
	orders, jobs := &Broker{name: "orders"}, &Broker{name: "jobs"}
	e := NewEgress(
		Routes{sdk.OutputUplink: "orders", sdk.OutputReceipt: RouteSource},
		map[string]*Broker{"orders": orders, "jobs": jobs},
		map[string][]sdk.Output{"orders": {sdk.OutputUplink}, "jobs": {sdk.OutputReceipt}})
	for _, tc := range []struct {
		output sdk.Output
		origin string
		want   *Broker
	}{
		{sdk.OutputUplink, "", orders},
		{sdk.OutputReceipt, "jobs", jobs},
		{sdk.OutputReceipt, "orders", nil}, // It has no receipt target.
		{sdk.OutputDeadLetter, "jobs", nil},
	} {
		if got := e.Target(tc.output, tc.origin); got != tc.want {
			t.Errorf("%s of %q: got %v", tc.output, tc.origin, got)
		}
	}
	var refused sdk.PublishResult
	e.Publish(sdk.Outgoing{Output: sdk.OutputEvents}, "jobs", func(r sdk.PublishResult) { refused = r })
	if refused.Error == "" || !refused.Final {
		t.Errorf("got %+v", refused)
	}
}
