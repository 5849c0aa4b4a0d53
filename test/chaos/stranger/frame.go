package stranger

// The types of frames, from the page's table.
const (
	typeConnect = 1
	typeAccept  = 2
	typeReject  = 3
	typePush    = 6
	typeAck     = 7
	typePing    = 14
	typePong    = 15
	typeMove    = 16
	typeClose   = 17
)

// hello is a CONNECT without credentials.
type hello struct {
	user, device   string
	keepAlive      uint64 // milliseconds
	session        string // of the last ACCEPT, or empty
	epoch, lastSeq uint64
}

func (h *hello) frame() []byte {
	b := []byte{typeConnect, 1, 0}
	b = appendText(b, "stranger")
	b = appendText(b, "1")
	b = appendText(b, h.user)
	b = appendText(b, h.device)
	b = append(b, 0, 0, 0) // No platform, codecs, headers.
	b = appendNumber(b, h.keepAlive)
	b = append(b, 0, 0) // The window as the node likes, no groups.
	b = appendText(b, h.session)
	if h.session != "" {
		b = appendNumber(b, h.epoch)
		b = appendNumber(b, h.lastSeq)
	}
	return b
}

type accept struct {
	resumed     bool
	session     string
	epoch       uint64
	heartbeatMS uint64
	window      uint64
	user        string
}

func parseAccept(f *fields) (a accept, err error) {
	flags := f.byte()
	a.resumed = flags == 1
	a.session = f.bytes()
	a.epoch = f.number()
	a.heartbeatMS = f.number()
	f.number() // expires_ms
	f.text()   // codec
	f.number() // uplink_bytes_max
	a.window = f.number()
	f.number() // remember_ids
	a.user = f.text()
	f.text() // device
	if flags > 1 {
		return a, errFrame
	}
	return a, f.end()
}

// Push is a message as it came.
type Push struct {
	Seq     uint64 // 0: fast
	ID      string
	Payload string
}

// Of a PUSH's flags: what stands before the payload.
const (
	pushName = 1 << iota
	pushFromUser
	pushFromGroup
	pushPosition
	pushHeaders
	pushCompressed
)

func parsePush(f *fields) (p Push, err error) {
	kind := f.byte()
	if kind&1 != 0 {
		if p.Seq = f.number(); p.Seq == 0 {
			return p, errFrame
		}
	}
	flags := f.byte()
	p.ID = f.text()
	for _, flag := range []byte{pushName, pushFromUser, pushFromGroup} {
		if flags&flag != 0 && f.text() == "" {
			return p, errFrame
		}
	}
	if flags&pushPosition != 0 {
		f.number()
	}
	if flags&pushHeaders != 0 {
		for n := f.number(); n > 0 && !f.bad; n-- {
			f.text()
			f.bytes()
		}
	}
	if f.bad || kind > 1 || flags >= pushCompressed { // It named no codec.
		return p, errFrame
	}
	p.Payload = string(f.rest)
	return p, nil
}

// farewell is a REJECT or CLOSE.
type farewell struct {
	code    uint64
	text    string
	rule    byte // 0 yes, 1 no, 2 after, 3 elsewhere
	afterMS uint64
}

func parseFarewell(f *fields) (w farewell, err error) {
	w.code, w.text, w.rule = f.number(), f.text(), f.byte()
	switch w.rule {
	case 0, 1:
	case 2:
		w.afterMS = f.number()
	case 3:
		f.text()
	default:
		return w, errFrame
	}
	return w, f.end()
}

func parseMove(f *fields) (withinMS uint64, err error) {
	withinMS = f.number()
	f.text()
	return withinMS, f.end()
}

// ackFrame acks all up to floor and, behind it, the numbers of behind, which ascend.
func ackFrame(floor uint64, behind []uint64) []byte {
	b := appendNumber([]byte{typeAck}, floor)
	var ranges [][2]uint64 // gap, length
	last := floor
	for _, seq := range behind {
		if n := len(ranges); n > 0 && seq == last+1 {
			ranges[n-1][1]++
		} else {
			ranges = append(ranges, [2]uint64{seq - last - 1, 1})
		}
		last = seq
	}
	b = appendNumber(b, uint64(len(ranges)))
	for _, r := range ranges {
		b = appendNumber(appendNumber(b, r[0]), r[1])
	}
	return b
}
