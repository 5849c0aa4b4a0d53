package brokers

import (
	"fmt"
	"os"
	"runtime"
	"testing"
)

// missingError says that a broker is not on this machine, and how to get it.
type missingError struct{ what string }

func (e *missingError) Error() string {
	if !systemSupported {
		return fmt.Sprintf("no broker for this test: they are run on Linux only, this is %s", runtime.GOOS)
	}
	return fmt.Sprintf("no broker for this test: %s; ci/brokers.sh installs it", e.what)
}

// skipOrFail ends a test that cannot have its broker.
func skipOrFail(t testing.TB, missing *missingError) {
	t.Helper()
	if reason := required(); reason != "" {
		t.Fatalf("%v (%s makes this a failure)", missing, reason)
	}
	t.Skip(missing)
}

// required names the variable that forbids skipping, if one is set.
func required() string {
	switch {
	case os.Getenv("PUSHCORE_REQUIRE_BROKERS") == "1":
		return "PUSHCORE_REQUIRE_BROKERS=1"
	case os.Getenv("CI") == "true":
		return "CI=true"
	}
	return ""
}
