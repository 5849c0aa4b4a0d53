package config

// Source as a route means the instance that a record came from.
const Source = "source"

// Routes is the section `routes`. A route names a plugin instance; its options
// say where there.
type Routes struct {
	// The instance that takes what devices send. Empty: the only one that can;
	// if none can, devices are told that nothing takes it.
	Uplink string `key:"uplink"`
	// The instance that takes receipts, or source: the one the record came
	// from. A record that asks for a receipt where there is no target is
	// refused.
	Receipt string `key:"receipt"`
	// The instance that takes what happens to sessions: who is online, and no
	// more. Empty: nobody is told.
	Events string `key:"events"`
	// The instance that takes how every message ended for every receiver, as far
	// as it keeps up: for books and analyses, not for acting on. Empty: nobody
	// is told.
	Fates string `key:"fates"`
	// The instance that takes what could not be delivered, or source: the one
	// the record came from. Without a target it is logged and counted.
	DeadLetter string `key:"dead_letter"`
}

func (r *Routes) setDefaults() {
	r.Receipt = Source
	r.DeadLetter = Source
}

func (r *Routes) validate(at place) {
	if r.Uplink == Source {
		at.key("uplink").fail("what a device sends has no source: name an instance")
	}
	if r.Events == Source {
		at.key("events").fail("what happens to a session has no source: name an instance")
	}
	if r.Fates == Source {
		at.key("fates").fail("fates of all records go to one place: name an instance")
	}
}
