package wire

import "encoding/binary"

// Accept opens a session, or continues one.
//
//	type 2 | flags | session | epoch | heartbeat_ms | expires_ms | codec |
//	uplink_bytes_max | window | remember_ids | user | device
//
// flags: 1 resumed.
type Accept struct {
	Resumed        bool   // An earlier session goes on: what the device has not seen of it follows.
	Session        []byte // The token to resume with, at most SessionTokenMax bytes; empty: the session cannot be resumed.
	Epoch          uint64 // The run of sequence numbers.
	HeartbeatMS    uint64 // The device sends something at least this often; 0: whenever it likes.
	ExpiresMS      uint64 // When the credentials expire, Unix time; 0: never.
	Codec          string // The compression of payloads marked so; "" if there will be none.
	UplinkBytesMax uint64 // The longest payload of a SEND.
	Window         uint64 // Reliable messages the node sends ahead of the acks.
	RememberIDs    uint64 // Message ids to remember against repeats.
	User           string // Who the device is to the node.
	Device         string // At most IDBytesMax bytes; "" if the session is no known device's.
}

const acceptResumed = 1

// Type returns TypeAccept.
func (*Accept) Type() Type { return TypeAccept }

// Append implements Frame.
func (a *Accept) Append(dst []byte) []byte {
	dst = append(dst, byte(TypeAccept), flagBit(a.Resumed, acceptResumed))
	dst = appendBytes(dst, a.Session)
	dst = binary.AppendUvarint(dst, a.Epoch)
	dst = binary.AppendUvarint(dst, a.HeartbeatMS)
	dst = binary.AppendUvarint(dst, a.ExpiresMS)
	dst = appendBytes(dst, a.Codec)
	dst = binary.AppendUvarint(dst, a.UplinkBytesMax)
	dst = binary.AppendUvarint(dst, a.Window)
	dst = binary.AppendUvarint(dst, a.RememberIDs)
	dst = appendBytes(dst, a.User)
	return appendBytes(dst, a.Device)
}

// Parse implements Frame.
func (a *Accept) Parse(b []byte) error {
	r := readFrame(TypeAccept, b)
	*a = Accept{
		Resumed:        r.flags("flags", acceptResumed) == acceptResumed,
		Session:        r.bytes("session", 0, SessionTokenMax),
		Epoch:          r.counter("epoch", CounterMax),
		HeartbeatMS:    r.counter("heartbeat_ms", QuantityMax),
		ExpiresMS:      r.counter("expires_ms", InstantMaxMS),
		Codec:          string(r.plain("codec", 0, NameBytesMax)),
		UplinkBytesMax: r.counter("uplink_bytes_max", QuantityMax),
		Window:         r.counter("window", QuantityMax),
		RememberIDs:    r.counter("remember_ids", QuantityMax),
		User:           string(r.plain("user", 0, IDBytesMax)),
		Device:         string(r.plain("device", 0, IDBytesMax)),
	}
	return r.end()
}

// AppendJSON implements Frame.
func (a *Accept) AppendJSON(dst []byte) []byte {
	dst = appendJSONType(dst, TypeAccept)
	dst = appendJSONFlag(dst, "resumed", a.Resumed)
	dst = appendJSONBase64(dst, "session", a.Session)
	dst = appendJSONCounter(dst, "epoch", a.Epoch)
	dst = appendJSONCounter(dst, "heartbeat_ms", a.HeartbeatMS)
	dst = appendJSONInstant(dst, "expires_at", a.ExpiresMS)
	dst = appendJSONText(dst, "codec", a.Codec)
	dst = appendJSONCounter(dst, "uplink_bytes_max", a.UplinkBytesMax)
	dst = appendJSONCounter(dst, "window", a.Window)
	dst = appendJSONCounter(dst, "remember_ids", a.RememberIDs)
	dst = appendJSONText(dst, "user", a.User)
	dst = appendJSONText(dst, "device", a.Device)
	return append(dst, '}')
}

var acceptFields = []string{"type", "resumed", "session", "epoch", "heartbeat_ms", "expires_at", "codec", "uplink_bytes_max",
	"window", "remember_ids", "user", "device"}

// ParseJSON implements Frame.
func (a *Accept) ParseJSON(b []byte) error {
	*a = Accept{}
	r := readJSON(TypeAccept, b)
	fields := jsonFields{names: acceptFields}
	for r.field(&fields) {
		switch fields.name {
		case "resumed":
			a.Resumed = r.boolean("resumed")
		case "session":
			a.Session = r.base64("session", SessionTokenMax)
		case "epoch":
			a.Epoch = r.counter("epoch", CounterMax)
		case "heartbeat_ms":
			a.HeartbeatMS = r.counter("heartbeat_ms", QuantityMax)
		case "expires_at":
			a.ExpiresMS = r.instant("expires_at")
		case "codec":
			a.Codec = string(r.plain("codec", NameBytesMax))
		case "uplink_bytes_max":
			a.UplinkBytesMax = r.counter("uplink_bytes_max", QuantityMax)
		case "window":
			a.Window = r.counter("window", QuantityMax)
		case "remember_ids":
			a.RememberIDs = r.counter("remember_ids", QuantityMax)
		case "user":
			a.User = string(r.plain("user", IDBytesMax))
		case "device":
			a.Device = string(r.plain("device", IDBytesMax))
		}
	}
	return r.end()
}
