package process

import (
	"errors"
	"fmt"
	"strings"
)

// Failure is one way in which a plugin's process did not do what it was started
// for, in one line.
type Failure struct {
	Instance string
	Command  string // for people
	Fault    string // what happened
	Advice   string // what to do about it, or empty
}

// Error implements error.
func (f *Failure) Error() string {
	line := fmt.Sprintf("plugin %s (%s) %s", f.Instance, f.Command, f.Fault)
	if f.Advice != "" {
		line += ": " + f.Advice
	}
	return strings.Join(strings.Fields(line), " ")
}

func (c *Config) failure(fault, advice string) *Failure {
	return &Failure{Instance: c.Instance, Command: c.title(), Fault: fault, Advice: advice}
}

// asFailure makes any error a Failure of this instance.
func (c *Config) asFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return c.failure("did not start: "+err.Error(), "")
}
