package pluginrpc

import (
	"errors"
	"reflect"
	"testing"

	"github.com/pushcore/pushcore/sdk"
)

func handedOver() Handed {
	return Handed{
		Frozen: sdk.Frozen{Conn: 7, FD: -1, State: []byte("half a frame")},
		kept: &keptConn{keep: []byte("sealed"), seq: 9, acked: 8, queued: 3, attached: true, asked: []asking{
			{sdk.EventJoin, "news", AppendEvent(nil, &sdk.Event{Kind: sdk.EventJoin, Conn: 7, Group: "news"})},
		}},
	}
}

func TestConnectionCrossesToTheSuccessorWhole(t *testing.T) {
	for _, want := range []Handed{handedOver(), {Frozen: sdk.Frozen{Conn: 1, FD: -1}}} {
		got, err := ReadHanded(AppendHanded(nil, &want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("after the crossing %+v (%v), was %+v", got, err, want)
		}
	}
}

// FuzzHanded decodes whatever comes; what is accepted encodes to itself.
func FuzzHanded(f *testing.F) {
	h := handedOver()
	f.Add(AppendHanded(nil, &h))
	f.Add(AppendHanded(nil, &Handed{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ReadHanded(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		again, err := ReadHanded(AppendHanded(nil, &h))
		if err != nil || !reflect.DeepEqual(again, h) {
			t.Fatalf("%+v became %+v (%v)", h, again, err)
		}
	})
}
