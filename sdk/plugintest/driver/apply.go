package driver

import (
	"errors"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

// dial is what open says of a device.
func (c *command) dial() (plugintest.Dial, error) {
	d := plugintest.Dial{
		Silent: c.Silent, Credentials: c.Credentials.credentials(), User: c.User, Device: c.Device, Platform: c.Platform,
		Groups: c.Groups, Codecs: c.Codecs, KeepAlive: time.Duration(c.KeepAliveMS) * time.Millisecond, Window: c.Window,
	}
	if c.Resume == nil {
		return d, nil
	}
	token, err := tokenBytes(c.Resume.Token, c.Resume.TokenBase64)
	d.Resume = &sdk.Resume{Token: token, Epoch: c.Resume.Epoch, Seq: c.Resume.Seq}
	return d, err
}

func (c *credentials) credentials() sdk.Credentials {
	switch {
	case c == nil:
		return sdk.Credentials{}
	case c.Kind == "basic":
		return sdk.Credentials{Kind: sdk.CredentialBasic, User: c.User, Password: c.Password}
	}
	return sdk.Credentials{Kind: sdk.CredentialBearer, Token: c.Token}
}

// apply has a device do what the command says.
func (c *command) apply(d plugintest.Device) error {
	switch c.Do {
	case "ack":
		var also []sdk.SeqRange
		for _, r := range c.Also {
			also = append(also, sdk.SeqRange{First: r[0], Last: r[1]})
		}
		return d.Ack(c.UpTo, also)
	case "nack":
		return d.Nack(c.Seq, time.Duration(c.RetryAfterMS)*time.Millisecond, c.Final, c.Text)
	case "send":
		b, err := c.bytes()
		return errors.Join(err, d.Send(c.ID, c.Name, b))
	case "join":
		return d.Join(c.Group, c.Position)
	case "leave":
		return d.Leave(c.Group)
	case "refresh":
		return d.Refresh(c.Credentials.credentials())
	case "stall":
		return d.Stall()
	case "unstall":
		return d.Unstall()
	case "cut":
		return d.Cut()
	case "close":
		return d.Close()
	case "offend":
		if o, ok := d.(plugintest.Offender); ok {
			return o.Offend()
		}
	}
	return errors.ErrUnsupported
}
