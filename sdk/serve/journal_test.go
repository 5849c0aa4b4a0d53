package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestJournalKeepsTheNewestAndCountsTheRest(t *testing.T) {
	j := newJournal()
	for i := range entriesMax + 25 {
		j.add(&pluginpb.LogEntry{Message: fmt.Sprint(i)})
	}
	got := j.take()
	if len(got) != entriesMax || got[0].GetMessage() != "25" || got[0].GetLost() != 25 || got[1].GetLost() != 0 {
		t.Errorf("%d entries, first %v", len(got), got[0])
	}
	j.giveBack(got)
	j.add(&pluginpb.LogEntry{Message: "one more"})
	got = j.take()
	if len(got) != entriesMax || got[0].GetMessage() != "26" || got[0].GetLost() != 26 || got[entriesMax-1].GetMessage() != "one more" {
		t.Errorf("%d entries, first %v", len(got), got[0])
	}
}

func TestLaterRuntimeGetsWhatNoneHasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		var first, second []string
		firstOver := make(chan error)
		go func() {
			firstOver <- j.stream(t.Context(), func(e *pluginpb.LogEntry) error {
				if e.GetMessage() == "b" {
					return errors.New("the runtime has gone")
				}
				first = append(first, e.GetMessage())
				return nil
			})
		}()
		j.add(&pluginpb.LogEntry{Message: "a"})
		synctest.Wait()
		j.add(&pluginpb.LogEntry{Message: "b"})
		if err := <-firstOver; err == nil {
			t.Error("the stream went on")
		}
		j.add(&pluginpb.LogEntry{Message: "c"})
		ctx, cancel := context.WithCancel(t.Context())
		secondOver := make(chan error)
		go func() {
			secondOver <- j.stream(ctx, func(e *pluginpb.LogEntry) error {
				second = append(second, e.GetMessage())
				return nil
			})
		}()
		synctest.Wait()
		cancel()
		<-secondOver
		if fmt.Sprint(first, second) != "[a] [b c]" {
			t.Error(first, second)
		}
	})
}

func TestNewStreamEndsTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		got := make(chan string, 10)
		sink := func(name string) func(*pluginpb.LogEntry) error {
			return func(e *pluginpb.LogEntry) error { got <- name + e.GetMessage(); return nil }
		}
		over := make(chan error)
		go func() { over <- j.stream(t.Context(), sink("old ")) }()
		synctest.Wait()
		go func() { over <- j.stream(t.Context(), sink("new ")) }()
		if err := <-over; err != nil {
			t.Error(err)
		}
		j.add(&pluginpb.LogEntry{Message: "a"})
		if s := <-got; s != "new a" {
			t.Error(s)
		}
		j.add(&pluginpb.LogEntry{Message: "last words"})
		j.close()
		if err := <-over; err != nil {
			t.Error(err)
		}
		if s := <-got; s != "new last words" {
			t.Error(s)
		}
	})
}

func TestEntriesKeepTheirAttributes(t *testing.T) {
	j := newJournal()
	log := slog.New(newHandler(j, slog.LevelInfo)).With("instance", "mqtt").WithGroup("broker").With("port", 1883)
	log.Debug("not wanted")
	log.Warn("away", "error", errors.New("refused"), "after", time.Second, slog.Group("try", "n", 3), slog.Group("none"), "ratio", 0.5, "bad", make(chan int) == nil)
	got := j.take()
	if len(got) != 1 || got[0].GetMessage() != "away" || got[0].GetLevel() != int32(slog.LevelWarn) || got[0].GetTimeNs() == 0 {
		t.Fatal(got)
	}
	want := `{"broker":{"after":"1s","bad":false,"error":"refused","port":1883,"ratio":0.5,"try":{"n":3}},"instance":"mqtt"}`
	if string(got[0].GetAttributes()) != want {
		t.Errorf("%s", got[0].GetAttributes())
	}
}
