package ack

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/pushcore/pushcore/sdk"
)

func open[M any](t testing.TB, c Config) Window[M] {
	t.Helper()
	shared, err := NewWindows[M](c)
	if err != nil {
		t.Fatal(err)
	}
	return shared.Open(1, 0)
}

func TestIdleSessionHoldsNoPlaces(t *testing.T) {
	w := open[*int](t, DefaultConfig())
	for range 100 {
		w.Push(new(int), 1, Past{}, 0)
	}
	if _, err := w.Ack(100, nil, nil); err != nil {
		t.Fatal(err)
	}
	if w.places != nil {
		t.Fatalf("an empty window holds %d places", len(w.places))
	}
	for _, list := range w.shared.free {
		for _, places := range list {
			for i := range places[:cap(places)] {
				if places[i] != (place[*int]{}) {
					t.Fatal("memory that was given back holds on to a message")
				}
			}
		}
	}
	t.Logf("window %d bytes, message %d bytes, smallest memory of a window in use %d bytes",
		unsafe.Sizeof(w), unsafe.Sizeof(place[*int]{}), placesMin*unsafe.Sizeof(place[*int]{}))
	if size := unsafe.Sizeof(place[*int]{}); size > 32 {
		t.Errorf("a message takes %d bytes", size)
	}
}

func TestFreeMemoryIsBounded(t *testing.T) {
	c := DefaultConfig()
	c.MessagesMax = windowMax
	shared, err := NewWindows[int](c)
	if err != nil {
		t.Fatal(err)
	}
	windows := make([]Window[int], 8)
	for i := range windows {
		windows[i] = shared.Open(uint64(i), 0)
		for range windowMax {
			windows[i].Push(0, 1, Past{}, 0)
		}
	}
	for i := range windows {
		windows[i].Drain(nil)
	}
	if shared.kept > placesFreeMax {
		t.Fatalf("%d places kept, more than %d", shared.kept, placesFreeMax)
	}
}

func TestDeviceMayWishASmallerWindowOnly(t *testing.T) {
	shared, err := NewWindows[int](DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for wish, want := range map[int]int{0: 256, -1: 256, 1: 1, 256: 256, 100_000: 256} {
		w := shared.Open(1, wish)
		n := 0
		for w.Push(0, 1, Past{}, 0) != 0 {
			n++
		}
		if n != want {
			t.Errorf("wish %d: window of %d, want %d", wish, n, want)
		}
	}
}

func TestSizeIsCountedWhole(t *testing.T) {
	w := open[int](t, DefaultConfig())
	w.Push(0, -5, Past{}, 0)
	if w.Bytes() != 0 {
		t.Errorf("negative size counts %d", w.Bytes())
	}
	w.Push(0, math.MaxInt32, Past{}, 0)
	if w.Bytes() != math.MaxInt32 {
		t.Errorf("2 GiB count %d", w.Bytes())
	}
}

func TestHostileRangesAreRefused(t *testing.T) {
	w := open[int](t, DefaultConfig())
	for range 256 {
		w.Push(0, 1, Past{}, 0)
	}
	ranges := make([]sdk.SeqRange, 10_000)
	for i := range ranges {
		ranges[i] = sdk.SeqRange{First: 1, Last: 256}
	}
	for name, r := range map[string][]sdk.SeqRange{
		"many times the window": ranges,
		"the end of numbers":    {{First: 0, Last: math.MaxUint64}},
		"backwards from there":  {{First: math.MaxUint64, Last: 1}},
	} {
		if _, err := w.Ack(0, r, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := w.Ack(math.MaxUint64, nil, nil); err != ErrAckAhead {
		t.Errorf("ack of the highest number: %v", err)
	}
	if w.Len() != 256 {
		t.Errorf("%d messages left, none was acked", w.Len())
	}
}

func TestLongListOfDelaysAndAttempts(t *testing.T) {
	c := DefaultConfig()
	c.Delays = make([]time.Duration, delaysMax)
	for i := range c.Delays {
		c.Delays[i] = time.Second
	}
	c.AttemptsTotal = totalMax
	w := open[int](t, c)
	w.Push(1, 1, Past{}, 0)
	resends := 0
	for {
		now, ok := w.NextDue()
		if !ok {
			t.Fatal("nothing due before the list is over")
		}
		verdict := None
		for _, it := range w.Due(now, nil) {
			verdict = it.Verdict
		}
		if verdict == GiveUp {
			break
		}
		resends++
	}
	if resends != delaysMax {
		t.Fatalf("%d resends, want %d", resends, delaysMax)
	}
}

func TestJitterStaysWithinItsPercentage(t *testing.T) {
	c := DefaultConfig()
	low, high := time.Hour, time.Duration(0)
	for seq := range uint64(10_000) {
		d := c.delay(42, seq, 1)
		low, high = min(low, d), max(high, d)
		if d != c.delay(42, seq, 1) {
			t.Fatal("a delay differs when asked for again")
		}
	}
	if low < 900*time.Millisecond || high > 1100*time.Millisecond {
		t.Errorf("delays of 1 s from %v to %v", low, high)
	}
	if low > 905*time.Millisecond || high < 1095*time.Millisecond {
		t.Errorf("delays of 1 s only from %v to %v", low, high)
	}
	if c.delay(1, 7, 1) == c.delay(2, 7, 1) {
		t.Error("two sessions have the same jitter")
	}
}

func TestConfigIsValidated(t *testing.T) {
	cases := map[string]func(*Config){
		"no delay":         func(c *Config) { c.Delays = nil },
		"delay of 0":       func(c *Config) { c.Delays = []time.Duration{0} },
		"delay of a month": func(c *Config) { c.Delays = []time.Duration{30 * 24 * time.Hour} },
		"many delays":      func(c *Config) { c.Delays = make([]time.Duration, 251) },
		"jitter":           func(c *Config) { c.JitterPercent = 51 },
		"negative jitter":  func(c *Config) { c.JitterPercent = -1 },
		"no attempts":      func(c *Config) { c.AttemptsTotal = 0 },
		"many attempts":    func(c *Config) { c.AttemptsTotal = 256 },
		"no messages":      func(c *Config) { c.MessagesMax = 0 },
		"many messages":    func(c *Config) { c.MessagesMax = 1<<16 + 1 },
		"no bytes":         func(c *Config) { c.BytesMax = 0 },
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	for name, change := range cases {
		c := DefaultConfig()
		change(&c)
		if _, err := NewWindows[int](c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
