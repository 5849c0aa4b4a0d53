package config

// Devices is the section `devices`.
type Devices struct {
	// How long a device is known after it was last seen. Messages for its user
	// are kept for each known device, so old phones cost space until they are
	// forgotten.
	DeviceTTL Duration `key:"device_ttl" min:"1m" max:"3650d"`
}

func (d *Devices) setDefaults() { d.DeviceTTL = days(30) }
