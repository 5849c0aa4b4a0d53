package packet

// Connect is what a device says of itself.
type Connect struct {
	Version     Version
	CleanStart  bool
	KeepAlive   uint16 // seconds; 0: none
	ClientID    string
	Username    string
	Password    []byte
	HasUsername bool
	HasPassword bool
	Will        *Will
	Properties  Properties
}

// Will is what a device wants to be published if it goes away without a word.
type Will struct {
	Topic      string
	QoS        byte
	Payload    []byte
	Properties Properties
}

// ReadConnect reads a CONNECT. After an error, Version is what the device speaks,
// or 0 if that is not known.
func ReadConnect(p Raw) (c Connect, err error) {
	r := &reader{b: p.Body}
	name, level := string(r.text()), Version(r.u8())
	switch {
	case r.bad || name != "MQTT" && name != "MQIsdp":
		return c, &Error{UnsupportedVersion, "this is not MQTT"}
	case name == "MQIsdp" || level < V311:
		return Connect{Version: V311}, &Error{UnsupportedVersion, "MQTT 3.1 is not spoken here"}
	case level > V5:
		return Connect{Version: V5}, &Error{UnsupportedVersion, "MQTT is spoken here up to version 5"}
	}
	c.Version = level
	flags := r.u8()
	c.KeepAlive = r.u16()
	if err := checkConnectFlags(flags, level); err != nil {
		return c, err
	}
	c.CleanStart = flags&connectCleanStart != 0
	if level == V5 {
		if c.Properties, err = r.properties(inConnect); err != nil {
			return c, err
		}
	}
	c.ClientID = string(r.text())
	if flags&connectWill != 0 {
		if c.Will, err = r.will(flags, level); err != nil {
			return c, err
		}
	}
	if c.HasUsername = flags&connectUsername != 0; c.HasUsername {
		c.Username = string(r.text())
	}
	if c.HasPassword = flags&connectPassword != 0; c.HasPassword {
		c.Password = r.binary()
	}
	return c, r.end("CONNECT")
}

func checkConnectFlags(flags byte, level Version) error {
	will, qos := flags&connectWill != 0, flags>>3&3
	switch {
	case flags&1 != 0, qos == 3, !will && (qos != 0 || flags&connectWillRetain != 0):
		return malformed("the flags of CONNECT contradict each other")
	case level == V311 && flags&connectPassword != 0 && flags&connectUsername == 0:
		return malformed("a password goes with a user name")
	}
	return nil
}

func (r *reader) will(flags byte, level Version) (*Will, error) {
	w := &Will{QoS: flags >> 3 & 3}
	if level == V5 {
		var err error
		if w.Properties, err = r.properties(inWill); err != nil {
			return nil, err
		}
	}
	w.Topic, w.Payload = string(r.text()), r.binary()
	if !r.bad && !ValidTopic(w.Topic) {
		return nil, &Error{TopicInvalid, "the will's topic is none"}
	}
	return w, nil
}
