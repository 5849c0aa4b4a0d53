package core

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

func TestRefusalsAreLoggedOnceAMinute(t *testing.T) {
	var log bytes.Buffer
	r := &refusals{log: slog.New(slog.NewTextHandler(&log, nil))}
	now := time.Now()
	for _, c := range []struct {
		after time.Duration
		out   sdk.Output
		want  string // of the line; empty: none
	}{
		{0, sdk.OutputUplink, ""},
		{0, sdk.OutputReceipt, "more_since_last=0"},
		{time.Second, sdk.OutputReceipt, ""},
		{59 * time.Second, sdk.OutputReceipt, ""},
		{60 * time.Second, sdk.OutputUplink, ""},
		{60 * time.Second, sdk.OutputReceipt, "more_since_last=2"},
	} {
		log.Reset()
		r.note(c.out, "too large", now.Add(c.after))
		got := log.String()
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("after %v, %s: logged %q, want %q", c.after, c.out, got, c.want)
		}
	}
}
