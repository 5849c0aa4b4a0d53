//go:build unix

package pluginrpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// fakeMQ is a plugin: what the runtime calls is kept in the order of the calls.
type fakeMQ struct {
	host    sdk.MQHost
	openErr error
	onOpen  func(h sdk.MQHost)
	onClose func(h sdk.MQHost)
	calls   chan any
}

var _ sdk.MQ = (*fakeMQ)(nil)

func (f *fakeMQ) Info() sdk.Info                                  { return sdk.Info{Name: "fake", Kind: sdk.KindMQ} }
func (f *fakeMQ) Configure([]byte) (sdk.Setup, []sdk.OptionError) { return sdk.Setup{}, nil }

func (f *fakeMQ) Open(h sdk.MQHost) error {
	f.host = h
	if f.onOpen != nil {
		f.onOpen(h)
	}
	return f.openErr
}

func (f *fakeMQ) Settle(s []sdk.Settlement) {
	for _, s := range s {
		f.calls <- s
	}
}

func (f *fakeMQ) Publish(r []sdk.Outgoing) {
	var results []sdk.PublishResult
	for _, o := range r {
		f.calls <- o
		results = append(results, sdk.PublishResult{ID: o.ID})
	}
	f.host.Published(results)
}

func (f *fakeMQ) Pause(source string)  { f.calls <- "pause " + source }
func (f *fakeMQ) Resume(source string) { f.calls <- "resume " + source }

func (f *fakeMQ) Close(time.Time) error {
	f.calls <- "close"
	if f.onClose != nil {
		f.onClose(f.host)
	}
	return errors.New("the broker did not say goodbye")
}

// fakeMQHost keeps what the plugin calls in order; batches wait for room.
type fakeMQHost struct {
	t     *testing.T
	calls chan any
	room  chan struct{}
}

var _ sdk.MQHost = (*fakeMQHost)(nil)

func newFakes(t *testing.T) (*fakeMQ, *fakeMQHost) {
	return &fakeMQ{calls: make(chan any, 1000)}, &fakeMQHost{t: t, calls: make(chan any, 1000), room: make(chan struct{}, 1000)}
}

func (h *fakeMQHost) Assigned(s sdk.Source) { h.calls <- s }
func (h *fakeMQHost) Revoked(source string, epoch uint64) {
	h.calls <- fmt.Sprint("revoked ", source, epoch)
}

func (h *fakeMQHost) Batch(ctx context.Context, b sdk.Records) error {
	select {
	case <-h.room:
		h.calls <- b
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *fakeMQHost) Published(r []sdk.PublishResult) {
	for _, r := range r {
		h.calls <- r
	}
}
func (h *fakeMQHost) Status(up bool, text string) { h.calls <- fmt.Sprint("status ", up, text) }
func (h *fakeMQHost) Lag(source string, records int64) {
	h.calls <- fmt.Sprint("lag ", source, records)
}
func (h *fakeMQHost) Log() *slog.Logger { return slog.New(slog.NewTextHandler(logFailure{h.t}, nil)) }

func expect(t *testing.T, calls <-chan any, want ...any) {
	t.Helper()
	for _, want := range want {
		if got := <-calls; !reflect.DeepEqual(got, want) {
			t.Fatalf("call\n  %+v, want\n  %+v", got, want)
		}
	}
}

func closeMQ(t *testing.T, m *MQ) {
	t.Helper()
	if err := m.Close(time.Now().Add(10 * time.Second)); err == nil || err.Error() != "the broker did not say goodbye" {
		t.Errorf("close: %v", err)
	}
}

func TestMQWorksBehindItsRecords(t *testing.T) {
	f, h := newFakes(t)
	source := sdk.Source{Name: "push/3", Epoch: 17, StablePositions: true}
	records := fill[sdk.Records]()
	h.room <- struct{}{}
	f.onOpen = func(host sdk.MQHost) { // A plugin may hand over records before Open returns.
		host.Status(true, "up")
		host.Assigned(source)
		must(t, host.Batch(t.Context(), records))
		host.Lag("push/3", 12)
		host.Revoked("push/3", 17)
	}
	m := NewMQ(f)
	if m.Info().Name != "fake" {
		t.Errorf("info %+v", m.Info())
	}
	must(t, m.Open(h))
	expect(t, h.calls, "status trueup", source, records, "lag push/312", "revoked push/317")

	settlements := []sdk.Settlement{
		{Source: "push/3", Epoch: 17, Positions: []uint64{3, 4, 9}},
		{Source: "push/3", Epoch: 17, Outcome: sdk.Requeue, Positions: []uint64{5}},
	}
	outgoing := []sdk.Outgoing{fill[sdk.Outgoing](), {ID: 1, Output: sdk.OutputUplink}}
	m.Settle(settlements)
	m.Publish(outgoing)
	m.Pause("push/3")
	m.Resume("push/3")
	closeMQ(t, m)
	expect(t, f.calls, settlements[0], settlements[1], outgoing[0], outgoing[1], "pause push/3", "resume push/3", "close")
	expect(t, h.calls, sdk.PublishResult{ID: outgoing[0].ID}, sdk.PublishResult{ID: 1})
}

func TestMQOpenErrorCrosses(t *testing.T) {
	f, h := newFakes(t)
	f.openErr = errors.New("credentials refused")
	if err := NewMQ(f).Open(h); err == nil || err.Error() != "credentials refused" {
		t.Fatalf("open: %v", err)
	}
}

func TestBatchWaitsForRoomWhileTheRestGoesOn(t *testing.T) {
	f, h := newFakes(t)
	m := NewMQ(f)
	must(t, m.Open(h))
	taken := make(chan error)
	go func() { taken <- f.host.Batch(t.Context(), sdk.Records{Source: "a", Epoch: 1}) }()
	f.host.Assigned(sdk.Source{Name: "b", Epoch: 1})
	f.host.Published([]sdk.PublishResult{{ID: 4}})
	expect(t, h.calls, sdk.Source{Name: "b", Epoch: 1}, sdk.PublishResult{ID: 4})
	select {
	case err := <-taken:
		t.Fatalf("the batch was taken without room: %v", err)
	default:
	}
	h.room <- struct{}{}
	must(t, <-taken)
	closeMQ(t, m)
}

func TestCancelledBatchIsTakenOrNotButNeverBoth(t *testing.T) {
	f, h := newFakes(t)
	m := NewMQ(f)
	must(t, m.Open(h))
	done := make(chan struct{})
	said := 0
	go func() {
		defer close(done)
		for i := range 500 {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if i%2 == 0 {
					h.room <- struct{}{}
				}
				cancel()
			}()
			switch err := f.host.Batch(ctx, sdk.Records{Source: "a"}); {
			case err == nil:
				said++
			case !errors.Is(err, context.Canceled):
				t.Errorf("batch %d: %v", i, err)
			}
		}
	}()
	<-done
	if took := len(h.calls); took != said {
		t.Errorf("the host took %d batches, the plugin was told of %d", took, said)
	}
	closeMQ(t, m)
}

func TestCloseTakesWhatThePluginReportsLast(t *testing.T) {
	f, h := newFakes(t)
	stuck := make(chan error, 1)
	f.onClose = func(host sdk.MQHost) {
		host.Published([]sdk.PublishResult{{ID: 9, Error: "closed"}})
		host.Revoked("a", 1)
	}
	m := NewMQ(f)
	must(t, m.Open(h))
	go func() { stuck <- f.host.Batch(context.Background(), sdk.Records{Source: "a"}) }()
	closeMQ(t, m)
	if n := len(h.calls); n != 2 {
		t.Fatalf("%d of 2 reports were with the host when Close returned", n)
	}
	expect(t, h.calls, sdk.PublishResult{ID: 9, Error: "closed"}, "revoked a1")
	if err := <-stuck; err == nil {
		t.Error("a batch that nobody took was reported as taken")
	}
}

func TestRecordsThatNoLinkCarriesAreRefused(t *testing.T) {
	f, h := newFakes(t)
	m := NewMQ(f)
	must(t, m.Open(h))
	big := make([]byte, MaxBody)
	m.Publish([]sdk.Outgoing{{ID: 1, Output: sdk.OutputUplink}, {ID: 2, Output: sdk.OutputUplink, Body: big}})
	for range 2 {
		if r := (<-h.calls).(sdk.PublishResult); r.Final != (r.ID == 2) {
			t.Errorf("result %+v", r)
		}
	}
	if err := f.host.Batch(t.Context(), sdk.Records{Records: []sdk.Record{{Body: big}}}); err == nil {
		t.Error("a batch that no link carries was taken")
	}
	closeMQ(t, m)
}
