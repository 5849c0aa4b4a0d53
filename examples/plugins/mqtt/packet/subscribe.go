package packet

// Filter is one wish of a SUBSCRIBE.
type Filter struct {
	Topic string
	QoS   byte
}

// Subscribe is a device's wish to hear of topics.
type Subscribe struct {
	ID         uint16
	Filters    []Filter
	Properties Properties
}

// ReadSubscribe reads a SUBSCRIBE.
func ReadSubscribe(p Raw, v Version) (s Subscribe, err error) {
	r := &reader{b: p.Body}
	if s.ID = r.u16(); s.ID == 0 {
		r.bad = true
	}
	if v == V5 && !r.bad {
		if s.Properties, err = r.properties(inSubscribe); err != nil {
			return s, err
		}
	}
	for len(r.b) > 0 {
		topic, options := string(r.text()), r.u8()
		if options&3 == 3 || options >= subscribeReservedSince || v == V311 && options > 2 {
			r.bad = true
		}
		s.Filters = append(s.Filters, Filter{topic, options & 3})
	}
	if len(s.Filters) == 0 {
		r.bad = true
	}
	return s, r.end("SUBSCRIBE")
}

// Unsubscribe takes such wishes back.
type Unsubscribe struct {
	ID     uint16
	Topics []string
}

// ReadUnsubscribe reads an UNSUBSCRIBE.
func ReadUnsubscribe(p Raw, v Version) (u Unsubscribe, err error) {
	r := &reader{b: p.Body}
	if u.ID = r.u16(); u.ID == 0 {
		r.bad = true
	}
	if v == V5 && !r.bad {
		if _, err = r.properties(inUnsubscribe); err != nil {
			return u, err
		}
	}
	for len(r.b) > 0 {
		u.Topics = append(u.Topics, string(r.text()))
	}
	if len(u.Topics) == 0 {
		r.bad = true
	}
	return u, r.end("UNSUBSCRIBE")
}
