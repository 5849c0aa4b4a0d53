package pluginrpc

import (
	"bytes"
	"testing"

	"github.com/pushcore/pushcore/sdk"
)

// TestWhatTheRuntimeClosedDoesNotComeBack has a connection end while there is no
// runtime: its session waits for its device, unless the runtime had ended it.
func TestWhatTheRuntimeClosedDoesNotComeBack(t *testing.T) {
	for name, closed := range map[string]bool{"the device went away": false, "the runtime closed it": true} {
		k := newKept(&passing{conns: map[sdk.ConnID]*keptConn{}})
		k.event(&sdk.Event{Kind: sdk.EventConnect, Conn: 1, Connect: &sdk.Connect{}}, false)
		k.command(0, &sdk.Command{Kind: sdk.CommandAccept, Conn: 1, Accept: &sdk.Accept{Keep: []byte("kept")}})
		k.event(&sdk.Event{Kind: sdk.EventAttached, Conn: 1}, false)
		k.batch(&sdk.Batch{Items: []sdk.Item{{Conn: 1, Seq: 7}}})
		if closed {
			k.command(0, &sdk.Command{Kind: sdk.CommandClose, Conn: 1})
		}
		k.event(&sdk.Event{Kind: sdk.EventClosed, Conn: 1}, true)
		want := AppendTableEnd(nil, 0)
		if !closed {
			want = AppendTableEnd(AppendConn(nil, &Conn{Conn: 1, Seq: 7, Gone: true, Keep: []byte("kept")}), 1)
		}
		if got := k.table(nil); !bytes.Equal(got, want) {
			t.Errorf("%s: the table is %q, expected %q", name, got, want)
		}
	}
}
