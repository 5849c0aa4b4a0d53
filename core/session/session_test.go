package session

import (
	"testing"
	"time"
)

func TestBucketGivesASecondsWorthAtOnce(t *testing.T) {
	var b Bucket
	taken := 0
	for range 10 {
		if b.Take(time.Second, 4) {
			taken++
		}
	}
	if taken != 4 {
		t.Errorf("%d taken at once, expected 4", taken)
	}
	if !b.Take(1250*time.Millisecond, 4) || b.Take(1250*time.Millisecond, 4) {
		t.Error("a quarter of a second later there is exactly one more")
	}
	if !b.Take(0, 0) {
		t.Error("no rate is no bound")
	}
}

func TestSessionIsLiveOnlyWithAFreeConnection(t *testing.T) {
	for _, c := range []struct {
		state     State
		congested bool
		live      bool
	}{{Attaching, false, false}, {Attached, false, true}, {Attached, true, false}, {Detached, false, false}, {Ended, false, false}} {
		if s := (&Session{State: c.state, Congested: c.congested}); s.Live() != c.live {
			t.Errorf("state %d congested %v: live is %v", c.state, c.congested, s.Live())
		}
	}
}

func TestSessionOfADeviceIsFoundByItsKey(t *testing.T) {
	phone, web := &Session{ID: "a", Device: "phone"}, &Session{ID: "b"}
	u := &User{Sessions: []*Session{phone, web}}
	if u.SessionOf("phone") != phone || u.SessionOf("pad") != nil || !u.Has("\x00b") || u.Has("b") {
		t.Error("sessions are found by other keys than their own")
	}
	u.RemoveSession(phone)
	if u.SessionOf("phone") != nil || u.Idle() {
		t.Error("a session that was removed is there, or the other is not")
	}
}
