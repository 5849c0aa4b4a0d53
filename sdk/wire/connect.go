package wire

import "encoding/binary"

// Version is the version of the protocol that this package speaks.
const Version = 1

// Connect is the first frame of a connection: what the device says of itself.
//
//	type 1 | version | credentials | client | client_version | user | device |
//	platform | codecs | headers | keep_alive_ms | window | groups |
//	session [| epoch | seq]
//
// The version comes first in every version, so that a node can refuse one that
// it does not know. epoch and seq follow if session is not empty.
type Connect struct {
	Credentials   Credentials
	Client        string // Name of the client software, at most NameBytesMax bytes.
	ClientVersion string // At most NameBytesMax bytes.

	// What the device claims to be; credentials that say it too must agree.
	User     string // At most IDBytesMax bytes.
	Device   string // At most IDBytesMax bytes.
	Platform string // At most PlatformBytesMax bytes.

	Codecs      []string // Payload compressions it can read, best first; at most CodecsMax.
	Headers     []string // Names of forwarded headers that it wants; at most HeadersMax.
	KeepAliveMS uint64   // The heartbeat it wishes; 0 leaves it to the node.
	Window      uint64   // Reliable messages it takes ahead of its acks; 0 leaves it to the node.
	Groups      []string // Groups to join; each is answered by a JOINED. At most JoinGroupsMax.
	Resume      Resume
}

// Resume asks for an earlier session to go on. The zero Resume asks for none.
type Resume struct {
	Session []byte // ACCEPT's session token, at most SessionTokenMax bytes.
	Epoch   uint64 // ACCEPT's epoch.
	Seq     uint64 // The highest seq up to which the device has all that it was sent.
}

// Type returns TypeConnect.
func (*Connect) Type() Type { return TypeConnect }

// Append implements Frame.
func (c *Connect) Append(dst []byte) []byte {
	dst = append(dst, byte(TypeConnect), Version)
	dst = c.Credentials.append(dst)
	dst = appendBytes(dst, c.Client)
	dst = appendBytes(dst, c.ClientVersion)
	dst = appendBytes(dst, c.User)
	dst = appendBytes(dst, c.Device)
	dst = appendBytes(dst, c.Platform)
	dst = appendList(dst, c.Codecs)
	dst = appendList(dst, c.Headers)
	dst = binary.AppendUvarint(dst, c.KeepAliveMS)
	dst = binary.AppendUvarint(dst, c.Window)
	dst = appendList(dst, c.Groups)
	dst = appendBytes(dst, c.Resume.Session)
	if len(c.Resume.Session) > 0 {
		dst = binary.AppendUvarint(dst, c.Resume.Epoch)
		dst = binary.AppendUvarint(dst, c.Resume.Seq)
	}
	return dst
}

// Parse implements Frame. CodeOf its error is CodeUnsupportedVersion if the
// device speaks another version.
func (c *Connect) Parse(b []byte) error {
	r := readFrame(TypeConnect, b)
	if v := r.counter("version", CounterMax); v != Version {
		r.failWith("version", 1, "not 1", CodeUnsupportedVersion)
	}
	*c = Connect{
		Credentials:   r.credentials(),
		Client:        string(r.plain("client", 0, NameBytesMax)),
		ClientVersion: string(r.plain("client_version", 0, NameBytesMax)),
		User:          string(r.plain("user", 0, IDBytesMax)),
		Device:        string(r.plain("device", 0, IDBytesMax)),
		Platform:      string(r.plain("platform", 0, PlatformBytesMax)),
		Codecs:        r.list("codecs", CodecsMax, NameBytesMax),
		Headers:       r.list("headers", HeadersMax, HeaderNameBytesMax),
		KeepAliveMS:   r.counter("keep_alive_ms", QuantityMax),
		Window:        r.counter("window", QuantityMax),
		Groups:        r.list("groups", JoinGroupsMax, IDBytesMax),
		Resume:        Resume{Session: r.bytes("session", 0, SessionTokenMax)},
	}
	if len(c.Resume.Session) > 0 {
		c.Resume.Epoch = r.counter("epoch", CounterMax)
		c.Resume.Seq = r.counter("seq", CounterMax)
	}
	return r.end()
}

// AppendJSON implements Frame.
func (c *Connect) AppendJSON(dst []byte) []byte {
	dst = appendJSONType(dst, TypeConnect)
	dst = appendJSONCounter(dst, "version", Version)
	dst = c.Credentials.appendJSON(dst)
	dst = appendJSONText(dst, "client", c.Client)
	dst = appendJSONText(dst, "client_version", c.ClientVersion)
	dst = appendJSONText(dst, "user", c.User)
	dst = appendJSONText(dst, "device", c.Device)
	dst = appendJSONText(dst, "platform", c.Platform)
	dst = appendJSONList(dst, "codecs", c.Codecs)
	dst = appendJSONList(dst, "headers", c.Headers)
	dst = appendJSONCounter(dst, "keep_alive_ms", c.KeepAliveMS)
	dst = appendJSONCounter(dst, "window", c.Window)
	dst = appendJSONList(dst, "groups", c.Groups)
	if len(c.Resume.Session) > 0 {
		dst = appendJSONBase64(dst, "session", c.Resume.Session)
		dst = appendJSONCounter(dst, "epoch", c.Resume.Epoch)
		dst = appendJSONCounter(dst, "seq", c.Resume.Seq)
	}
	return append(dst, '}')
}

var connectFields = []string{"type", "version", "token", "username", "password", "client", "client_version", "user", "device",
	"platform", "codecs", "headers", "keep_alive_ms", "window", "groups", "session", "epoch", "seq"}

// ParseJSON implements Frame. A CONNECT without a version is one of version 1:
// the subprotocol's name says it already.
func (c *Connect) ParseJSON(b []byte) error {
	*c = Connect{}
	r := readJSON(TypeConnect, b)
	fields := jsonFields{names: connectFields}
	for r.field(&fields) {
		switch fields.name {
		case "version":
			if offset := r.pos; r.counter("version", CounterMax) != Version {
				r.failWith("version", offset, "not 1", CodeUnsupportedVersion)
			}
		case "client":
			c.Client = string(r.plain("client", NameBytesMax))
		case "client_version":
			c.ClientVersion = string(r.plain("client_version", NameBytesMax))
		case "user":
			c.User = string(r.plain("user", IDBytesMax))
		case "device":
			c.Device = string(r.plain("device", IDBytesMax))
		case "platform":
			c.Platform = string(r.plain("platform", PlatformBytesMax))
		case "codecs":
			c.Codecs = r.list("codecs", CodecsMax, NameBytesMax)
		case "headers":
			c.Headers = r.list("headers", HeadersMax, HeaderNameBytesMax)
		case "keep_alive_ms":
			c.KeepAliveMS = r.counter("keep_alive_ms", QuantityMax)
		case "window":
			c.Window = r.counter("window", QuantityMax)
		case "groups":
			c.Groups = r.list("groups", JoinGroupsMax, IDBytesMax)
		case "session":
			c.Resume.Session = r.base64("session", SessionTokenMax)
		case "epoch":
			c.Resume.Epoch = r.counter("epoch", CounterMax)
		case "seq":
			c.Resume.Seq = r.counter("seq", CounterMax)
		default:
			r.credential(fields.name, &c.Credentials)
		}
	}
	r.credentialsEnd(&c.Credentials)
	if c.Resume.Epoch > 0 || c.Resume.Seq > 0 {
		r.require(len(c.Resume.Session) > 0, "session")
	}
	return r.end()
}
