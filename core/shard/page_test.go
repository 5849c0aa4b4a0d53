package shard_test

import (
	"fmt"
	"testing"

	"github.com/pushcore/pushcore/sdk"
)

// The others' messages that a full store refuses do not keep a device from what it
// has there, however many they are.
func TestFullStoreStillGivesWhatItHas(t *testing.T) {
	s := newStage(t)
	s.do("push m to=user:alice")
	s.do("store full")
	for i := range 1100 {
		s.doOne(fmt.Sprintf("push m%d to=user:u%d", i, i))
	}
	s.do("show")
	var got []string
	s.delivered = func(_ string, _ sdk.Item, m *sdk.Message) { got = append(got, m.ID) }
	s.do("connect a user=alice device=phone")
	if len(got) != 1 || got[0] != "m" {
		t.Errorf("the device got %q", got)
	}
}
