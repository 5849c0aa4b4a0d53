package process

import (
	"context"
	"log/slog"
	"reflect"
	"testing"

	"github.com/pushcore/pushcore/sdk"
)

// heard is a host that notes what it is told.
type heard struct {
	assigned  []sdk.Source
	revoked   []uint64
	batches   []uint64
	published []sdk.PublishResult
	up        []bool
}

func (h *heard) Assigned(s sdk.Source)          { h.assigned = append(h.assigned, s) }
func (h *heard) Revoked(_ string, epoch uint64) { h.revoked = append(h.revoked, epoch) }
func (h *heard) Batch(_ context.Context, b sdk.Records) error {
	h.batches = append(h.batches, b.Epoch)
	return nil
}
func (h *heard) Published(r []sdk.PublishResult) { h.published = append(h.published, r...) }
func (h *heard) Status(up bool, _ string)        { h.up = append(h.up, up) }
func (h *heard) Lag(string, int64)               {}
func (h *heard) Log() *slog.Logger               { return slog.New(slog.DiscardHandler) }

func TestEpochsGrowOverTheLivesOfAProcess(t *testing.T) {
	told := &heard{}
	h := newMQHost(told)
	for range 2 { // Each process counts from 1.
		h.Assigned(sdk.Source{Name: "jobs", Epoch: 1})
		h.Revoked("jobs", 1)
		h.Assigned(sdk.Source{Name: "jobs", Epoch: 2})
		if err := h.Batch(context.Background(), sdk.Records{Source: "jobs", Epoch: 2}); err != nil {
			t.Fatal(err)
		}
		h.away("killed")
	}
	var epochs []uint64
	for _, s := range told.assigned {
		epochs = append(epochs, s.Epoch)
	}
	if want := []uint64{1, 2, 3, 4}; !reflect.DeepEqual(epochs, want) || !reflect.DeepEqual(told.revoked, want) {
		t.Errorf("assigned %v, revoked %v, want %v", epochs, told.revoked, want)
	}
	if want := []uint64{2, 4}; !reflect.DeepEqual(told.batches, want) {
		t.Errorf("batches of epochs %v, want %v", told.batches, want)
	}
}

func TestSettlementsOfADeadProcessReachNoOther(t *testing.T) {
	h := newMQHost(&heard{})
	h.Assigned(sdk.Source{Name: "jobs", Epoch: 1})
	h.away("killed")
	h.Assigned(sdk.Source{Name: "jobs", Epoch: 1})
	got := h.settlements([]sdk.Settlement{
		{Source: "jobs", Epoch: 1, Positions: []uint64{1}},
		{Source: "jobs", Epoch: 2, Positions: []uint64{2}},
		{Source: "other", Epoch: 1},
	})
	if want := []sdk.Settlement{{Source: "jobs", Epoch: 1, Positions: []uint64{2}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("settled %+v, want %+v", got, want)
	}
}

func TestEachPublishIsAnsweredOnce(t *testing.T) {
	told := &heard{}
	h := newMQHost(told)
	h.publishing([]sdk.Outgoing{{ID: 1}, {ID: 2}})
	h.Published([]sdk.PublishResult{{ID: 1}})
	h.away("killed")
	h.Published([]sdk.PublishResult{{ID: 2}}) // Late, of the process that has ended.
	h.refuse([]sdk.Outgoing{{ID: 3}})
	want := []sdk.PublishResult{{ID: 1}, {ID: 2, Error: processDown}, {ID: 3, Error: processDown}}
	if !reflect.DeepEqual(told.published, want) {
		t.Errorf("results %+v, want %+v", told.published, want)
	}
}
