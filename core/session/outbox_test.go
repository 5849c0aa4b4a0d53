package session

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushcore/pushcore/core/envelope"
)

// TestOutboxIsAQueue compares the ring with a slice.
func TestOutboxIsAQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var out Outbox
		var model []Entry
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"push", "push", "push", "pop", "pop", "remove", "remove first"}).Draw(t, "what") {
			case "push":
				size := rapid.IntRange(0, 9).Draw(t, "size")
				e := Entry{Part: &Part{Message: &envelope.Message{Payload: make([]byte, size)}}, From: uint16(len(model))}
				out.Push(e)
				model = append(model, e)
			case "pop":
				if len(model) == 0 {
					continue
				}
				if e := out.Pop(); e != model[0] {
					t.Fatal("another entry came first")
				}
				model = model[1:]
			case "remove first":
				odd := rapid.IntRange(1, 3).Draw(t, "every")
				chosen := func(e Entry) bool { return len(e.Part.Message.Payload)%odd == 0 }
				want := slices.IndexFunc(model, chosen)
				e, found := out.RemoveFirst(chosen)
				if found != (want >= 0) || found && e != model[want] {
					t.Fatal("another entry was taken out")
				}
				if found {
					model = slices.Delete(model, want, want+1)
				}
			case "remove":
				odd := rapid.IntRange(1, 3).Draw(t, "every")
				remove := func(e Entry) bool { return len(e.Part.Message.Payload)%odd == 0 }
				out.RemoveFunc(remove)
				var kept []Entry
				for _, e := range model {
					if !remove(e) {
						kept = append(kept, e)
					}
				}
				model = kept
			}
			checkOutbox(t, &out, model)
		}
	})
}

func checkOutbox(t *rapid.T, out *Outbox, model []Entry) {
	bytes := 0
	for i, e := range model {
		bytes += len(e.Part.Message.Payload)
		if out.At(i) != e {
			t.Fatalf("another entry is at %d", i)
		}
	}
	if out.Len() != len(model) || out.Bytes() != bytes {
		t.Fatalf("%d entries of %d bytes, expected %d of %d", out.Len(), out.Bytes(), len(model), bytes)
	}
}

func TestOutboxLetsItsMemoryGo(t *testing.T) {
	e := Entry{Part: &Part{Message: &envelope.Message{}}}
	for name, empty := range map[string]func(*Outbox){
		"served":  func(o *Outbox) { o.Pop(); o.Pop() },
		"removed": func(o *Outbox) { o.RemoveFunc(func(Entry) bool { return true }) },
	} {
		var out Outbox
		for range 1000 {
			out.Push(e)
		}
		for out.Len() > 2 {
			out.Pop()
		}
		empty(&out)
		if out.ring != nil {
			t.Errorf("%s: an empty outbox keeps %d places", name, len(out.ring))
		}
	}
}
