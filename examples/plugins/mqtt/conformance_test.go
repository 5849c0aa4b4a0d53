package mqtt_test

import (
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pushcore/pushcore/examples/plugins/mqtt"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

// lacking is what neither version of MQTT has a word for.
var lacking = []plugintest.Ability{
	plugintest.Nacks, plugintest.Refreshes, plugintest.Resumes, plugintest.Results, plugintest.Platforms, plugintest.Codecs,
	plugintest.OpenGroups, plugintest.Positions,
}

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name   string
		driver plugintest.Driver
		lacks  []plugintest.Ability
	}{
		{"mqtt 5", driver5{}, nil},
		{"mqtt 3.1.1", driver311{}, []plugintest.Ability{plugintest.Messages, plugintest.Reasons, plugintest.Windows, plugintest.Heartbeats}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plugintest.TestTransport(t, plugintest.TransportSuite{
				New:     func() sdk.Transport { return mqtt.New() },
				Options: []byte(`{"listen":"127.0.0.1:0"}`),
				Driver:  c.driver,
				Lacks:   slices.Concat(lacking, c.lacks),
			})
		})
	}
}

// device is what devices of both versions share.
type device struct {
	socket *net.TCPConn
	stall  sync.Mutex // held while stalled
	sent   uint16     // packet ids used; owned by the kit

	mu       sync.Mutex // guards received
	received []uint16   // packet ids that wait for an ack
}

func newDevice(socket net.Conn) *device { return &device{socket: socket.(*net.TCPConn)} }

// read reports packets until the end.
func (v *device) read(report func(plugintest.Report), next func() (plugintest.Report, error)) {
	end := plugintest.Report{Kind: plugintest.Closed}
	for {
		v.stall.Lock()
		v.stall.Unlock() //nolint:staticcheck // It only waits.
		r, err := next()
		if err != nil {
			break
		}
		if r.Kind == plugintest.Closed {
			end = r
		} else if r.Kind != 0 {
			report(r)
		}
	}
	_ = v.socket.Close() // It has ended.
	report(end)
}

// closeWrite ends the device's side of the connection, which the plugin may have
// ended meanwhile.
func (v *device) closeWrite() error {
	err := v.socket.CloseWrite()
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ENOTCONN) {
		return nil
	}
	return err
}

func (v *device) nextID() uint16 {
	v.sent++
	return v.sent
}

// got notes a message that wants an ack.
func (v *device) got(id uint16) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if id != 0 {
		v.received = append(v.received, id)
	}
}

// ackable takes the packet ids that are to be acked now.
func (v *device) ackable(upTo uint64, also []sdk.SeqRange) (ids []uint16) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.received = slices.DeleteFunc(v.received, func(id uint16) bool {
		seq := uint64(id)
		if seq <= upTo || slices.ContainsFunc(also, func(r sdk.SeqRange) bool { return r.First <= seq && seq <= r.Last }) {
			ids = append(ids, id)
			return true
		}
		return false
	})
	return ids
}

func (v *device) Nack(uint64, time.Duration, bool, string) error { return errors.ErrUnsupported }
func (v *device) Refresh(sdk.Credentials) error                  { return errors.ErrUnsupported }

func (v *device) Stall() error {
	v.stall.Lock()
	return nil
}

func (v *device) Unstall() error {
	v.stall.TryLock()
	v.stall.Unlock()
	return nil
}

func (v *device) Cut() error {
	return errors.Join(v.socket.SetLinger(0), v.socket.Close(), v.Unstall())
}

// Offend sends a PUBREL, which answers nothing.
func (v *device) Offend() error { _, err := v.socket.Write([]byte{0x62, 2, 0, 9}); return err }
