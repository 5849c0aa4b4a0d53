package driver

import (
	"fmt"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

// kinds are the reports by the name of their event.
var kinds = map[string]plugintest.ReportKind{
	"opened": plugintest.Opened, "rejected": plugintest.Rejected, "message": plugintest.Pushed, "sent": plugintest.Sent,
	"joined": plugintest.Joined, "refreshed": plugintest.Refreshed, "moved": plugintest.Moved, "closed": plugintest.Closed,
}

// report is what a device saw.
func (e *event) report() (plugintest.Report, error) {
	r := plugintest.Report{
		Kind: kinds[e.Event], Resumed: e.Resumed, Retryable: e.Retryable, Gap: e.Gap, Code: e.Code, Seq: e.Seq,
		Epoch: e.Epoch, Position: e.Position, ID: e.ID, Name: e.Name, Group: e.Group, Text: e.Text,
	}
	var err error
	if r.Payload, err = e.bytes(); err != nil {
		return r, err
	}
	r.Token, err = tokenBytes(e.Token, e.TokenBase64)
	return r, err
}

// Open implements plugintest.Driver.
func (p *Process) Open(url string, d plugintest.Dial, report func(plugintest.Report)) (plugintest.Device, error) {
	c, err := openCommand(url, &d)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	r := p.run
	p.mu.Unlock()
	if c.Conn, err = r.enter(report); err != nil {
		return nil, err
	}
	if err := p.do(c); err != nil {
		r.leave(c.Conn)
		return nil, err
	}
	return &device{p, c.Conn}, nil
}

// enter makes a number for a connection, whose events may come from then on.
func (r *run) enter(report func(plugintest.Report)) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return 0, fmt.Errorf("the driver has ended")
	}
	r.next++
	r.conns[r.next] = report
	return r.next, nil
}

// leave forgets a connection that was not opened.
func (r *run) leave(conn uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
}

func openCommand(url string, d *plugintest.Dial) (command, error) {
	c := command{
		Do: "open", URL: url, Silent: d.Silent, User: d.User, Device: d.Device, Platform: d.Platform, Groups: d.Groups,
		Codecs: d.Codecs, KeepAliveMS: d.KeepAlive.Milliseconds(), Window: d.Window,
	}
	if d.Resume != nil {
		c.Resume = &resume{Epoch: d.Resume.Epoch, Seq: d.Resume.Seq}
		c.Resume.Token, c.Resume.TokenBase64 = newToken(d.Resume.Token)
	}
	var err error
	c.Credentials, err = newCredentials(d.Credentials)
	return c, err
}

func newCredentials(c sdk.Credentials) (*credentials, error) {
	switch c.Kind {
	case sdk.CredentialNone:
		return nil, nil
	case sdk.CredentialBearer:
		return &credentials{Kind: "bearer", Token: c.Token}, nil
	case sdk.CredentialBasic:
		return &credentials{Kind: "basic", User: c.User, Password: c.Password}, nil
	}
	return nil, fmt.Errorf("a driver that is a process is not given credentials of kind %d", c.Kind)
}

// device is a connection of the process.
type device struct {
	process *Process
	conn    uint64
}

var (
	_ plugintest.Device   = (*device)(nil)
	_ plugintest.Offender = (*device)(nil)
)

func (d *device) does(c command) error {
	c.Conn = d.conn
	return d.process.do(c)
}

func (d *device) Ack(upTo uint64, also []sdk.SeqRange) error {
	c := command{Do: "ack", UpTo: upTo}
	for _, r := range also {
		c.Also = append(c.Also, [2]uint64{r.First, r.Last})
	}
	return d.does(c)
}

func (d *device) Nack(seq uint64, retryAfter time.Duration, final bool, text string) error {
	return d.does(command{Do: "nack", Seq: seq, RetryAfterMS: retryAfter.Milliseconds(), Final: final, Text: text})
}

func (d *device) Send(id, name string, b []byte) error {
	return d.does(command{Do: "send", ID: id, Name: name, payload: newPayload(b)})
}

func (d *device) Join(group string, position uint64) error {
	return d.does(command{Do: "join", Group: group, Position: position})
}

func (d *device) Leave(group string) error { return d.does(command{Do: "leave", Group: group}) }

func (d *device) Refresh(c sdk.Credentials) error {
	fresh, err := newCredentials(c)
	if err != nil {
		return err
	}
	return d.does(command{Do: "refresh", Credentials: fresh})
}

func (d *device) Stall() error   { return d.does(command{Do: "stall"}) }
func (d *device) Unstall() error { return d.does(command{Do: "unstall"}) }
func (d *device) Cut() error     { return d.does(command{Do: "cut"}) }
func (d *device) Close() error   { return d.does(command{Do: "close"}) }
func (d *device) Offend() error  { return d.does(command{Do: "offend"}) }
