package disk

import (
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

func fullMessage() *envelope.Message {
	return &envelope.Message{
		ID: "id", Scope: "scope", Name: "name", Class: sdk.Reliable, Ack: envelope.AckAny, Receipt: envelope.ReceiptAll, Collapse: "key",
		To:           []wire.Address{{Kind: wire.User, ID: "u"}, {Kind: wire.Device, ID: "u", Device: "d"}},
		Except:       []wire.Address{{Kind: wire.Group, ID: "g"}},
		Platforms:    []string{"phone", "till"},
		SessionsOnly: true, MemorySafe: true,
		AcceptedAt: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), ExpiresAt: time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC), StoreAfter: -3,
		Origin: envelope.Origin{Plugin: "orders", Source: "push/3", Position: 1 << 60}, Key: []byte{},
		Headers: []sdk.Header{{Name: "a", Value: []byte("b")}, {Name: "none"}}, Payload: []byte("payload"), Original: []byte("{}"),
	}
}

func decode[T any](t *testing.T, key, value []byte, read func(c *content) T) T {
	t.Helper()
	c, err := unseal(key, value)
	if err != nil {
		t.Fatal(err)
	}
	v := read(&c)
	if err := c.close(key); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestMessageComesBackAsItWas(t *testing.T) {
	key := orderKey(nil, keyBody, "u", 7)
	for _, m := range []*envelope.Message{fullMessage(), {}, {Payload: []byte{}}} {
		got := decode(t, key, seal(key, appendMessage(begin(nil), m)), (*content).message)
		if want := *m; !reflect.DeepEqual(*got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, m)
		}
	}
	withRecord := fullMessage()
	withRecord.Record = 9
	if got := decode(t, key, seal(key, appendMessage(begin(nil), withRecord)), (*content).message); got.Record != 0 {
		t.Error("a record of this run is stored")
	}
}

// What was written by a version that people run must be readable for ever, or be
// refused by its version: these must not change.
func TestValuesAreWrittenAsEver(t *testing.T) {
	body, head := orderKey(nil, keyBody, "u", 7), orderKey(nil, keyEntry, "u", 7)
	e := &entry{shared: 3, size: 300, deadline: instant(time.Unix(1, 0)), hash: 0x0102030405060708, acked: true, collapse: "key",
		receivers: []store.Receiver{{Device: "x", Attempts: 2, Sent: true}, {Device: "\x00s"}}}
	p := store.Pair{User: "u", Order: 7, Receiver: store.Receiver{Device: "x"}, Fate: envelope.Dead, Reason: envelope.NoAck,
		At: time.Unix(1, 0), Message: &envelope.Message{ID: "id"}}
	notice := numberKey(nil, keyNotice, 1)
	for what, v := range map[string]struct{ got, want string }{
		"key of a message": {hex.EncodeToString(body), goldenKey},
		"message":          {hex.EncodeToString(seal(body, appendMessage(begin(nil), fullMessage()))), goldenMessage},
		"entry":            {hex.EncodeToString(seal(head, e.append(begin(nil)))), goldenEntry},
		"notice":           {hex.EncodeToString(seal(notice, appendNotice(begin(nil), &p))), goldenNotice},
	} {
		if v.got != v.want {
			t.Errorf("%s is\n%s\nwant\n%s", what, v.got, v.want)
		}
	}
}

func TestDamageIsFound(t *testing.T) {
	key := orderKey(nil, keyBody, "u", 7)
	whole := seal(key, appendMessage(begin(nil), fullMessage()))
	for i := range whole {
		for bit := range 8 {
			broken := append([]byte(nil), whole...)
			broken[i] ^= 1 << bit
			if _, err := unseal(key, broken); !errors.Is(err, ErrDamaged) {
				t.Fatalf("byte %d bit %d: %v", i, bit, err)
			}
		}
		if _, err := unseal(key, whole[:i]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := unseal(orderKey(nil, keyBody, "u", 8), whole); !errors.Is(err, ErrDamaged) {
		t.Errorf("under another key: %v", err)
	}
	newer := seal(key, append([]byte{valueVersion + 1}, "whatever"...))
	if _, err := unseal(key, newer); !errors.Is(err, ErrDamaged) {
		t.Errorf("of an unknown version: %v", err)
	}
}

func TestInstantsAreInOrder(t *testing.T) {
	var last uint64
	for i, at := range []time.Time{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(-1, 0), time.Unix(0, 0), time.Unix(0, 1), time.Now(),
		time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		n := instant(at)
		if i > 0 && n <= last {
			t.Errorf("%v is %d, what is before it %d", at, n, last)
		}
		last = n
	}
}

func FuzzValue(f *testing.F) {
	f.Add(appendMessage(nil, fullMessage()))
	e := &entry{size: 1, receivers: []store.Receiver{{Device: "x"}}}
	f.Add(e.append(nil))
	f.Add(appendNotice(nil, &store.Pair{User: "u", Message: fullMessage()}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := content{rest: b}
		if m := c.message(); c.close([]byte{keyBody}) == nil {
			again := content{rest: appendMessage(nil, m)}
			if got := again.message(); again.close([]byte{keyBody}) != nil || !reflect.DeepEqual(got, m) {
				t.Errorf("a message that was read is written as another:\n%+v\n%+v", m, got)
			}
		}
		c = content{rest: b}
		if e := c.entry(); c.close([]byte{keyEntry}) == nil {
			again := content{rest: e.append(nil)}
			if got := again.entry(); again.close([]byte{keyEntry}) != nil || !reflect.DeepEqual(got, e) {
				t.Errorf("an entry that was read is written as another:\n%+v\n%+v", e, got)
			}
		}
		c = content{rest: b}
		c.notice()
		c = content{rest: b}
		c.device("")
		c = content{rest: b}
		c.remembered(b)
		_ = describe(b)
	})
}

const (
	goldenKinds   = 1234
	goldenKey     = "620001750000000000000007"
	goldenMessage = "01030001020269640573636f7065046e616d65036b6579066f726465727306707573682f33808080808080808010cad6b9950d0680f4ec8c650005020101750002017501640103016700020570686f6e650474696c6c0201610262046e6f6e650001087061796c6f6164037b7d2716c56b"
	goldenEntry   = "010303ac0200ca9a3b000000800807060504030201036b657902017802010200730000f6fd14ef"
	goldenNotice  = "0101750701780000060e020000000000026964000000000000ffdb8ff9ce0300ffdb8ff9ce030000000000000000007644ae47"
)

// These numbers are in what people have stored: one that changes needs a new version
// of values, and what reads the old one.
func TestNumbersThatAreStoredStay(t *testing.T) {
	for name, n := range map[string][2]int{
		"class":   {int(sdk.Fast), 1},
		"ack":     {int(envelope.AckAny), 1},
		"receipt": {int(envelope.ReceiptAll), 2},
		"kinds":   {int(wire.User)*1000 + int(wire.Device)*100 + int(wire.Group)*10 + int(wire.All), goldenKinds},
		"how":     {int(envelope.HowAcked)*1000 + int(envelope.HowEnded)*100 + int(envelope.HowStored)*10 + int(envelope.HowMemory), 123},
		"fates":   {int(envelope.Acked)*10000 + int(envelope.Expired)*1000 + int(envelope.Withdrawn)*100 + int(envelope.Dropped)*10 + int(envelope.Dead), 13456},
		"dropped": {int(envelope.NoSession)*100 + int(envelope.UserErased), 108},
		"dead":    {int(envelope.BadRecord)*100 + int(envelope.MailboxFull), 915},
	} {
		if n[0] != n[1] {
			t.Errorf("%s: the numbers are %d, were %d", name, n[0], n[1])
		}
	}
}
