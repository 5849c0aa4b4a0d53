package process

import "testing"

// The process's end may come to a seat between the steps of an upgrade.
func TestUpgradeOfAProcessThatHasEnded(t *testing.T) {
	for name, step := range map[string]func(*seat, *upgrade){"sync": (*seat).sync, "freeze": (*seat).freeze} {
		u := &upgrade{events: make(chan upgradeEvent, 1)}
		step(&seat{}, u)
		if e := <-u.events; e.what != stepBroken || e.err == nil {
			t.Errorf("%s told %v, %v", name, e.what, e.err)
		}
	}
}
