package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Callback asks the backend who a device is, by an HTTP POST of what the device
// sent. 200 carries {"user","device","platform","groups","expires_at"}, 403
// carries {"code","text"}; anything else is a fault of the backend.
type Callback struct {
	URL         string
	Timeout     time.Duration // default 2 s
	AllowOnFail bool          // on_error: allow; the device is then who it says it is
	Concurrency int           // calls at once; default 32
}

// answerBytesMax bounds what is read of an answer.
const answerBytesMax = 64 << 10

func (c *Callback) setDefaults() {
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Concurrency == 0 {
		c.Concurrency = 32
	}
}

type callbackRequest struct {
	Credentials callbackCredentials `json:"credentials"`
	User        string              `json:"user,omitempty"`
	Device      string              `json:"device,omitempty"`
	Platform    string              `json:"platform,omitempty"`
	Meta        map[string]string   `json:"meta,omitempty"`
}

type callbackCredentials struct {
	Kind     string `json:"kind"`
	Token    string `json:"token,omitempty"`
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Cert     []byte `json:"cert,omitempty"` // DER, base64
}

var credentialNames = map[sdk.CredentialKind]string{
	sdk.CredentialNone: "none", sdk.CredentialBearer: "bearer", sdk.CredentialBasic: "basic", sdk.CredentialCert: "cert",
	sdk.CredentialQuery: "query", sdk.CredentialCookie: "cookie", sdk.CredentialHeader: "header",
}

func (c *Callback) ask(ctx context.Context, client *http.Client, connect *sdk.Connect) (Identity, error) {
	id, err := c.post(ctx, client, connect)
	var refused refusal
	if err == nil || errors.As(err, &refused) || !c.AllowOnFail {
		return id, err
	}
	return Identity{}, nil
}

func (c *Callback) post(ctx context.Context, client *http.Client, connect *sdk.Connect) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	body, err := json.Marshal(requestOf(connect))
	if err != nil {
		return Identity{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return Identity{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return Identity{}, fmt.Errorf("ask %s: %w", c.URL, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerBytesMax))
	if err != nil {
		return Identity{}, fmt.Errorf("read the answer of %s: %w", c.URL, err)
	}
	return identityOf(res.StatusCode, answer)
}

func requestOf(c *sdk.Connect) callbackRequest {
	cr := c.Credentials
	r := callbackRequest{
		Credentials: callbackCredentials{credentialNames[cr.Kind], cr.Token, cr.User, cr.Password, cr.Cert},
		User:        c.User, Device: c.Device, Platform: c.Platform, Meta: map[string]string{},
	}
	for _, m := range c.Meta {
		r.Meta[m.Name] = m.Value
	}
	return r
}

func identityOf(status int, body []byte) (Identity, error) {
	switch status {
	case http.StatusOK:
		var a struct {
			User, Device, Platform string
			Groups                 []string
			ExpiresAt              time.Time `json:"expires_at"`
		}
		if err := json.Unmarshal(body, &a); err != nil {
			return Identity{}, fmt.Errorf("the callback's answer: %w", err)
		}
		if a.User == "" {
			return Identity{}, fmt.Errorf("the callback's answer names no user")
		}
		return Identity{a.User, a.Device, a.Platform, a.Groups, a.ExpiresAt}, nil
	case http.StatusForbidden, http.StatusUnauthorized:
		a := struct {
			Code uint16
			Text string
		}{Code: uint16(wire.CodeUnauthorized), Text: "credentials are not valid"}
		if len(body) > 0 {
			_ = json.Unmarshal(body, &a) // A refusal without a readable body is still a refusal.
		}
		if a.Code < 4000 || a.Code > 4999 {
			a.Code = uint16(wire.CodeUnauthorized)
		}
		return Identity{}, refusal{a.Code, a.Text}
	default:
		return Identity{}, fmt.Errorf("the callback answered with status %d", status)
	}
}
