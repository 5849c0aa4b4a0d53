package loop

import (
	"slices"
	"testing"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

func TestPortTellsTheShardWhatItsProcessSays(t *testing.T) {
	s := &fakeState{}
	l := still(t, Config{}, s, nil)
	p := plug(l, 2, &fakeTransport{})
	var calls []string
	s.trace = func(what string) { calls = append(calls, what) }
	s.handle = func(in envelope.Input) {
		if d, ok := in.(*shard.PluginDown); !ok || d.Plugin != 2 || d.Incarnation != 7 {
			t.Errorf("the shard was told %+v", in)
		}
	}
	l.stirred = false
	p.Rejoin(make([]shard.Rejoined, 3))
	p.Block(true)
	p.Written(9)
	p.Rename(make([]shard.Renamed, 2))
	p.Down(7)
	want := []string{"rejoin 2: 3", "block 2: true", "written 2: 9", "rename 2: 2", "handle"}
	if !slices.Equal(calls, want) {
		t.Errorf("the shard heard %v, expected %v", calls, want)
	}
	if !l.stirred {
		t.Error("the loop may sleep before it has served the shard")
	}

	l.ports[2] = nil // As after Detach.
	calls = nil
	p.Rejoin(make([]shard.Rejoined, 1))
	p.Block(true)
	p.Written(9)
	p.Rename(nil)
	p.Down(7)
	if len(calls) > 0 {
		t.Errorf("a port that was detached told the shard %v", calls)
	}
}

// TestDownTakesBackWhatIsNotGiven has the process end while the loop gives its
// transport commands: the batch behind them was for connections that are gone.
func TestDownTakesBackWhatIsNotGiven(t *testing.T) {
	s := &fakeState{}
	l := still(t, Config{}, s, nil)
	var p *Port
	var commands, batches int
	down := true
	p = plug(l, 0, &fakeTransport{
		command: func(c []sdk.Command) {
			commands += len(c)
			if down {
				down = false
				p.Down(1)
			}
		},
		deliver: func(*sdk.Batch) { batches++ },
	})
	give := func(int) bool {
		e := s.plugin(0)
		e.Commands = append(e.Commands, sdk.Command{Kind: sdk.CommandPause})
		e.Batch.Items = append(e.Batch.Items, sdk.Item{Conn: 1})
		e.Closing = append(e.Closing, sdk.Command{Kind: sdk.CommandClose})
		s.serve = nil
		return false
	}
	s.serve = give
	l.look()
	if commands != 1 || batches != 0 {
		t.Errorf("%d commands and %d batches were given, expected what came before the end", commands, batches)
	}
	s.serve = give
	l.look()
	if commands != 3 || batches != 1 {
		t.Errorf("the next process was given %d commands and %d batches", commands-1, batches)
	}
}
