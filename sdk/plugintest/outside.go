package plugintest

// Outside is the process of a driver, in any language, as package
// plugintest/driver starts it. A Driver that implements it is told of trials.
type Outside interface {
	// Begin is called before each trial; it starts the process unless that runs.
	Begin() error
	// Fault returns what is wrong with the process, nil if nothing is, and the last
	// lines that were exchanged with it. Its devices and places are gone then.
	Fault() (trace []string, err error)
}

// RuleOutside is about executables that serve as drivers.
var RuleOutside = Rule{"driver-process", "The driver's process says that it is ready, answers each command, and says nothing that is not in docs/plugin-driver.md.",
	"What a device saw is known from the driver alone: one that is not understood proves nothing."}

// RuleProcess is about plugins in processes of their own.
var RuleProcess = Rule{"process-lives", "The process of a plugin starts, runs until it is closed, and its links do not break.",
	"A process that ends detaches all its devices; a link that is broken costs the process."}

// judgeWay ends the way to a plugin. What went wrong there comes first, for it
// explains the rest.
func judgeWay(done func() error, failures []Failure) []Failure {
	if done == nil {
		return failures
	}
	if err := done(); err != nil {
		return append([]Failure{{Rule: RuleProcess, Saw: err.Error()}}, failures...)
	}
	return failures
}

// unable is the result of a trial whose driver's process is at fault; it is all
// that there is to say.
func unable(trace []string, err error) []Failure {
	return []Failure{{Rule: RuleOutside, Saw: err.Error(), Trace: trace}}
}

// beginOutside begins a trial with a driver that may be a process.
func beginOutside(o Outside) []Failure {
	if o == nil {
		return nil
	}
	if err := o.Begin(); err != nil {
		trace, _ := o.Fault()
		return unable(trace, err)
	}
	return nil
}

// judgeOutside returns what is to be said of a trial.
func judgeOutside(o Outside, failures []Failure) []Failure {
	if o == nil {
		return failures
	}
	if trace, err := o.Fault(); err != nil {
		return unable(trace, err)
	}
	return failures
}
