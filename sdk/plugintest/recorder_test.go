package plugintest

import "testing"

// recorder is a testing.TB that fails for itself only.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()             {}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Skip(...any)         {}
func (r *recorder) Errorf(_ string, args ...any) {
	f := args[0].(Failure)
	r.errors = append(r.errors, f.String())
}
