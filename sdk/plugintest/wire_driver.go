package plugintest

import (
	"errors"
	"sync"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// WireDriver is the Driver for transports that carry the frames of sdk/wire.
type WireDriver struct {
	// Dial connects to an endpoint, as far as frames can be exchanged.
	Dial func(url string) (FrameConn, error)
}

var _ Driver = WireDriver{}

// FrameConn carries frames. ReadFrame is called by one goroutine, the others by
// another.
type FrameConn interface {
	Text() bool                    // frames are JSON
	ReadFrame() ([]byte, error)    // valid until the next call; an error ends the connection
	WriteFrame(frame []byte) error // one whole frame
	WriteGarbage() error           // what the protocol forbids
	Cut() error                    // as a network does: TCP's reset
	Close() error                  // as the protocol wants it; ReadFrame then ends
}

// Open implements Driver.
func (w WireDriver) Open(url string, what Dial, report func(Report)) (Device, error) {
	c, err := w.Dial(url)
	if err != nil {
		return nil, err
	}
	d := &wireDevice{conn: c, report: report, gate: make(chan struct{})}
	close(d.gate)
	if !what.Silent {
		if err := d.write(connectFrame(&what)); err != nil {
			_ = c.Cut() // The error that matters is the one we have.
			return nil, err
		}
	}
	go d.read()
	return d, nil
}

func connectFrame(d *Dial) *wire.Connect {
	f := &wire.Connect{
		Credentials: wireCredentials(d.Credentials), Client: "plugintest", ClientVersion: "1",
		User: d.User, Device: d.Device, Platform: d.Platform, Codecs: d.Codecs, Groups: d.Groups,
		KeepAliveMS: uint64(d.KeepAlive.Milliseconds()), Window: uint64(d.Window),
	}
	if d.Resume != nil {
		f.Resume = wire.Resume{Session: d.Resume.Token, Epoch: d.Resume.Epoch, Seq: d.Resume.Seq}
	}
	return f
}

func wireCredentials(c sdk.Credentials) wire.Credentials {
	switch c.Kind {
	case sdk.CredentialNone:
		return wire.Credentials{}
	case sdk.CredentialBasic:
		return wire.Credentials{Kind: wire.CredentialBasic, User: c.User, Password: c.Password}
	}
	return wire.Credentials{Kind: wire.CredentialBearer, Token: c.Token}
}

// wireDevice is a device that speaks frames.
type wireDevice struct {
	conn   FrameConn
	report func(Report)

	mu   sync.Mutex    // guards gate
	gate chan struct{} // closed while the device reads
}

var (
	_ Device   = (*wireDevice)(nil)
	_ Offender = (*wireDevice)(nil)
)

func (d *wireDevice) write(f wire.Frame) error {
	if d.conn.Text() {
		return d.conn.WriteFrame(f.AppendJSON(nil))
	}
	return d.conn.WriteFrame(f.Append(nil))
}

// read reports frames until the connection ends.
func (d *wireDevice) read() {
	ending := Report{Kind: Closed}
	for {
		d.mu.Lock()
		gate := d.gate
		d.mu.Unlock()
		<-gate
		b, err := d.conn.ReadFrame()
		if err != nil {
			break
		}
		r, err := d.parse(b)
		if err != nil {
			ending = Report{Kind: Closed, Text: err.Error()}
			_ = d.conn.Cut() // It speaks another language.
			break
		}
		if r.Kind == Closed {
			ending = r
		} else if r.Kind != 0 {
			d.report(r)
		}
	}
	_ = d.conn.Close() // It is over already.
	d.report(ending)
}

// parse makes a report of a frame; Kind is 0 for one that is none.
func (d *wireDevice) parse(b []byte) (Report, error) {
	kind, err := wire.TypeOf(b)
	if d.conn.Text() {
		kind, err = wire.TypeOfJSON(b)
	}
	if err != nil {
		return Report{}, err
	}
	f := wire.New(kind)
	if d.conn.Text() {
		err = f.ParseJSON(b)
	} else {
		err = f.Parse(b)
	}
	if err != nil {
		return Report{}, err
	}
	return reportOf(f), nil
}

func reportOf(f wire.Frame) Report {
	switch f := f.(type) {
	case *wire.Accept:
		return Report{Kind: Opened, Resumed: f.Resumed, Token: f.Session, Epoch: f.Epoch}
	case *wire.Reject:
		return Report{Kind: Rejected, Code: uint16(f.Code), Text: f.Text}
	case *wire.Push:
		return Report{Kind: Pushed, Seq: f.Seq, ID: string(f.ID), Name: string(f.Name), Payload: f.Payload}
	case *wire.Sent:
		return Report{Kind: Sent, ID: f.ID, Code: uint16(f.Code), Text: f.Text, Retryable: f.Retryable}
	case *wire.Joined:
		return Report{Kind: Joined, Group: f.Group, Code: uint16(f.Code), Text: f.Text, Position: f.Position, Gap: f.Gap}
	case *wire.Refreshed:
		return Report{Kind: Refreshed, Code: uint16(f.Code), Text: f.Text}
	case *wire.Move:
		return Report{Kind: Moved, Text: f.Address}
	case *wire.Close:
		return Report{Kind: Closed, Code: uint16(f.Code), Text: f.Text}
	}
	return Report{}
}

func (d *wireDevice) Ack(upTo uint64, also []sdk.SeqRange) error {
	f := &wire.Ack{Seq: upTo}
	for _, r := range also {
		f.Ranges = append(f.Ranges, wire.SeqRange(r))
	}
	return d.write(f)
}

func (d *wireDevice) Nack(seq uint64, retryAfter time.Duration, final bool, text string) error {
	return d.write(&wire.Nack{Seq: seq, RetryAfterMS: uint64(retryAfter.Milliseconds()), Final: final, Text: text})
}

func (d *wireDevice) Send(id, name string, payload []byte) error {
	return d.write(&wire.Send{ID: []byte(id), Name: []byte(name), Payload: payload})
}

func (d *wireDevice) Join(group string, position uint64) error {
	return d.write(&wire.Join{Group: group, Position: position})
}

func (d *wireDevice) Leave(group string) error { return d.write(&wire.Leave{Group: group}) }

func (d *wireDevice) Refresh(c sdk.Credentials) error {
	return d.write(&wire.Refresh{Credentials: wireCredentials(c)})
}

// Stall takes effect behind the frame that is being read.
func (d *wireDevice) Stall() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gate = make(chan struct{})
	return nil
}

func (d *wireDevice) Unstall() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.gate:
	default:
		close(d.gate)
	}
	return nil
}

func (d *wireDevice) Cut() error {
	return errors.Join(d.conn.Cut(), d.Unstall()) // Its reader ends.
}

func (d *wireDevice) Close() error  { return d.conn.Close() }
func (d *wireDevice) Offend() error { return d.conn.WriteGarbage() }
