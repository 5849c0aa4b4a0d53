package packet

// Pair is a user property.
type Pair struct{ Name, Value string }

// Properties are those of a packet of MQTT 5 that matter here; the others are
// checked and left out.
type Properties struct {
	ContentType       string
	AuthMethod        string
	ReasonString      string
	User              []Pair
	SessionExpiry     uint32
	MaximumPacketSize uint32
	ReceiveMaximum    uint16
	NoProblemInfo     bool
	SubscriptionID    bool // one is there
	Enhanced          bool // an authentication method or its data is there

	seen uint64 // by id
}

// place is a set of places where properties stand.
type place byte

const (
	inConnect place = 1 << iota
	inWill
	inPublish
	inPuback
	inSubscribe
	inUnsubscribe
	inDisconnect
)

const everywhere = inConnect | inWill | inPublish | inPuback | inSubscribe | inUnsubscribe | inDisconnect

// Identifiers of properties.
const (
	idContentType       = 0x03
	idSubscription      = 0x0B
	idSessionExpiry     = 0x11
	idAssignedClientID  = 0x12
	idServerKeepAlive   = 0x13
	idAuthMethod        = 0x15
	idAuthData          = 0x16
	idProblemInfo       = 0x17
	idServerReference   = 0x1C
	idReasonString      = 0x1F
	idReceiveMaximum    = 0x21
	idTopicAlias        = 0x23
	idMaximumQoS        = 0x24
	idRetainAvailable   = 0x25
	idUser              = 0x26
	idMaximumPacketSize = 0x27
	idWildcards         = 0x28
	idSubscriptionIDs   = 0x29
	idShared            = 0x2A
)

// form is how a property's value is written.
type form byte

const (
	formByte form = iota + 1
	formU16
	formU32
	formVarint
	formText
	formBinary
	formPair
)

// known are the properties that devices may send.
var known = [...]struct {
	form form
	in   place
}{
	0x01:                {formByte, inWill | inPublish},
	0x02:                {formU32, inWill | inPublish},
	idContentType:       {formText, inWill | inPublish},
	0x08:                {formText, inWill | inPublish},
	0x09:                {formBinary, inWill | inPublish},
	idSubscription:      {formVarint, inSubscribe},
	idSessionExpiry:     {formU32, inConnect | inDisconnect},
	idAuthMethod:        {formText, inConnect},
	idAuthData:          {formBinary, inConnect},
	idProblemInfo:       {formByte, inConnect},
	0x18:                {formU32, inWill},
	0x19:                {formByte, inConnect},
	idReasonString:      {formText, inPuback | inDisconnect},
	idReceiveMaximum:    {formU16, inConnect},
	0x22:                {formU16, inConnect},
	idTopicAlias:        {formU16, inPublish},
	idUser:              {formPair, everywhere},
	idMaximumPacketSize: {formU32, inConnect},
}

// userMax bounds the user properties of a packet.
const userMax = 64

// properties reads the properties of a place.
func (r *reader) properties(at place) (p Properties, err error) {
	in := reader{b: r.take(r.varint())}
	if r.bad {
		return p, malformed("properties cannot be read")
	}
	for len(in.b) > 0 && !in.bad {
		if err := p.read(&in, at); err != nil {
			return p, err
		}
	}
	return p, in.end("a property")
}

func (p *Properties) read(in *reader, at place) error {
	id := in.varint()
	if in.bad || id >= len(known) || known[id].in&at == 0 {
		return &Error{ProtocolError, "a property is not known, or not here"}
	}
	if p.seen&(1<<id) != 0 && id != idUser {
		return &Error{ProtocolError, "a property is there twice"}
	}
	p.seen |= 1 << id
	var number int
	var text []byte
	switch known[id].form {
	case formByte:
		number = int(in.u8())
	case formU16:
		number = int(in.u16())
	case formU32:
		number = int(in.u32())
	case formVarint:
		number = in.varint()
	case formText:
		text = in.text()
	case formBinary:
		text = in.binary()
	case formPair:
		return p.pair(in)
	}
	return p.set(id, number, text)
}

func (p *Properties) pair(in *reader) error {
	name, value := in.text(), in.text()
	if len(p.User) == userMax {
		return &Error{PacketTooLarge, "there are too many user properties"}
	}
	p.User = append(p.User, Pair{string(name), string(value)})
	return nil
}

func (p *Properties) set(id, number int, text []byte) error {
	switch id {
	case idContentType:
		p.ContentType = string(text)
	case idReasonString:
		p.ReasonString = string(text)
	case idAuthMethod:
		p.AuthMethod, p.Enhanced = string(text), true
	case idAuthData:
		p.Enhanced = true
	case idProblemInfo:
		p.NoProblemInfo = number == 0
	case idSessionExpiry:
		p.SessionExpiry = uint32(number)
	case idSubscription:
		p.SubscriptionID = true
	case idReceiveMaximum:
		p.ReceiveMaximum = uint16(number)
	case idMaximumPacketSize:
		p.MaximumPacketSize = uint32(number)
	}
	if number == 0 && (id == idReceiveMaximum || id == idMaximumPacketSize || id == idSubscription) {
		return &Error{ProtocolError, "a property that must not be 0 is 0"}
	}
	if id == idTopicAlias {
		return &Error{0x94, "topic aliases are not offered"}
	}
	return nil
}
