package serve

import (
	"os"
	"strings"
	"testing"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

func TestProgramThatPushcoreHasNotStartedSaysWhatItIs(t *testing.T) {
	for name, tc := range map[string]struct {
		birth birth
		want  string
	}{
		"by hand":            {birth{}, "pushcore-mqtt is a plugin, which pushcore starts"},
		"by another version": {birth{cookie: "x"}, `PUSHCORE_PLUGIN="x" is not what this plugin expects`},
		"by pushcore":        {birth{cookie: pluginrpc.CookieValue, stdout: os.Stdout}, ""},
	} {
		got := tc.birth.refusal("./pushcore-mqtt")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
