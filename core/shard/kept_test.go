package shard

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/session"
)

func fullKept() *kept {
	return &kept{
		plugin: "tcp", user: "alice", device: "phone", platform: "ios", id: "0123456789abcdef", token: []byte("0123456789abcdef"),
		epoch: 1 << 51, conns: 3, last: 1 << 40, since: time.Unix(1_700_000_000, 5), expires: time.Unix(1_800_000_000, 0),
		heartbeat: 30 * time.Second, windowMax: 16, codec: "zstd", headers: []string{"trace", "span"},
		client: session.Client{Name: "app", Version: "1.2"}, peer: "192.0.2.1:4711",
		groups: []keptGroup{{"club", true, 0}, {"hall", false, 1 << 33}},
	}
}

func smallKept() *kept {
	return &kept{plugin: "tcp", user: "u", id: "1", token: []byte("0123456789abcdef"), heartbeat: time.Second}
}

func TestWhatIsKeptIsReadAsItWas(t *testing.T) {
	for _, k := range []*kept{fullKept(), smallKept()} {
		b := appendKept(nil, k)
		got, err := readKept(b)
		if err != nil || !reflect.DeepEqual(got, k) {
			t.Errorf("read %+v, %v\nwrote %+v", got, err, k)
		}
		for n := range b {
			if _, err := readKept(b[:n]); !errors.Is(err, errKept) {
				t.Errorf("the first %d of %d bytes were read: %v", n, len(b), err)
			}
		}
		if _, err := readKept(append(b, 0)); !errors.Is(err, errKept) {
			t.Errorf("a byte more was read: %v", err)
		}
	}
}

func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	for name, change := range map[string]func(*kept){
		"no user":            func(k *kept) { k.user = "" },
		"no id":              func(k *kept) { k.id = "" },
		"a short token":      func(k *kept) { k.token = k.token[1:] },
		"no heartbeat":       func(k *kept) { k.heartbeat = 0 },
		"a window below 0":   func(k *kept) { k.windowMax = -1 },
		"numbers too high":   func(k *kept) { k.last = seqMax },
		"a group without id": func(k *kept) { k.groups[0].name = "" },
		"too many groups":    func(k *kept) { k.groups = make([]keptGroup, joinedMax+1) },
		"too many headers":   func(k *kept) { k.headers = make([]string, headersMax+1) },
	} {
		k := fullKept()
		change(k)
		if _, err := readKept(appendKept(nil, k)); !errors.Is(err, errKept) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := appendKept(nil, fullKept())
	other[0]++
	if _, err := readKept(other); !errors.Is(err, errKept) {
		t.Errorf("another version: %v", err)
	}
}

func FuzzReadKept(f *testing.F) {
	f.Add(appendKept(nil, fullKept()))
	f.Add(appendKept(nil, smallKept()))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := readKept(b)
		if err != nil {
			return
		}
		again, err := readKept(appendKept(nil, k))
		if err != nil || !reflect.DeepEqual(again, k) {
			t.Errorf("read %+v, then %+v, %v", k, again, err)
		}
	})
}
