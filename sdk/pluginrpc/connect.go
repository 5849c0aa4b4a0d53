package pluginrpc

import "github.com/pushcore/pushcore/sdk"

// metaMax is the number of facts that Connect.Meta may hold.
const metaMax = 32

func appendConnect(b []byte, c *sdk.Connect) []byte {
	b = appendCredentials(b, &c.Credentials)
	b = appendString(b, c.User)
	b = appendString(b, c.Device)
	b = appendString(b, c.Platform)
	b = appendStrings(b, c.Codecs)
	b = appendStrings(b, c.Headers)
	b = appendStrings(b, c.Groups)
	b = appendInt(b, int64(c.KeepAlive))
	b = appendInt(b, int64(c.Window))
	b = appendUint(b, uint64(flag(c.Resume != nil, 1)))
	if c.Resume != nil {
		b = appendBytes(b, c.Resume.Token)
		b = appendUint(b, c.Resume.Epoch)
		b = appendUint(b, c.Resume.Seq)
	}
	b = appendUint(b, uint64(len(c.Meta)))
	for _, m := range c.Meta {
		b = appendString(appendString(b, m.Name), m.Value)
	}
	return b
}

// connect returns a Connect that holds no part of the body: it outlives the turn
// in which it came, on its way to whoever checks credentials.
func (f *fields) connect() *sdk.Connect {
	c := &sdk.Connect{
		Credentials: f.credentials(),
		User:        f.string(), Device: f.string(), Platform: f.string(),
		Codecs: f.strings(), Headers: f.strings(), Groups: f.strings(),
		KeepAlive: f.duration(), Window: f.int(),
	}
	if f.bool() {
		c.Resume = &sdk.Resume{Token: f.ownBytes(), Epoch: f.uint(), Seq: f.uint()}
	}
	n := f.count(2)
	if n > metaMax {
		f.fail("more than 32 facts about a connection")
		return c
	}
	for range n {
		c.Meta = append(c.Meta, sdk.Meta{Name: f.string(), Value: f.string()})
	}
	return c
}

func appendCredentials(b []byte, c *sdk.Credentials) []byte {
	b = appendUint(b, uint64(c.Kind))
	b = appendString(b, c.Token)
	b = appendString(b, c.User)
	b = appendString(b, c.Password)
	return appendBytes(b, c.Cert)
}

func (f *fields) credentials() sdk.Credentials {
	return sdk.Credentials{
		Kind:  sdk.CredentialKind(f.enum(uint8(sdk.CredentialHeader))),
		Token: f.string(), User: f.string(), Password: f.string(),
		Cert: f.ownBytes(),
	}
}

// ownBytes is bytes, copied out of the body.
func (f *fields) ownBytes() []byte { return append([]byte(nil), f.bytes()...) }
