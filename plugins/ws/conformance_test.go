package ws_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pushcore/pushcore/plugins/ws"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

func TestConformance(t *testing.T) {
	for _, protocol := range []string{ws.Binary, ws.JSON} {
		t.Run(protocol, func(t *testing.T) {
			plugintest.TestTransport(t, plugintest.TransportSuite{Portable: true,
				New:     func() sdk.Transport { return ws.New() },
				Options: []byte(`{"listen":"127.0.0.1:0"}`),
				Driver:  plugintest.WireDriver{Dial: dial(protocol)},
			})
		})
	}
}

// messages carries frames as messages.
type messages struct {
	conn *websocket.Conn
	kind int
}

func dial(protocol string) func(string) (plugintest.FrameConn, error) {
	kind := websocket.BinaryMessage
	if protocol == ws.JSON {
		kind = websocket.TextMessage
	}
	return func(url string) (plugintest.FrameConn, error) {
		d := websocket.Dialer{Subprotocols: []string{protocol}, HandshakeTimeout: 5 * time.Second}
		conn, response, err := d.Dial(url, nil)
		if err != nil {
			return nil, err
		}
		if got := response.Header.Get("Sec-WebSocket-Protocol"); got != protocol {
			return nil, errors.Join(errors.New("subprotocol "+got), conn.Close())
		}
		return &messages{conn, kind}, nil
	}
}

func (m *messages) Text() bool { return m.kind == websocket.TextMessage }

// ReadFrame closes the socket when it finds the end.
func (m *messages) ReadFrame() ([]byte, error) {
	kind, b, err := m.conn.ReadMessage()
	if err == nil && kind != m.kind {
		err = errors.New("a message of the other kind")
	}
	if err != nil {
		_ = m.conn.Close() // It has ended.
	}
	return b, err
}

func (m *messages) WriteFrame(b []byte) error { return m.conn.WriteMessage(m.kind, b) }

// WriteGarbage sends a message of the other kind.
func (m *messages) WriteGarbage() error {
	return m.conn.WriteMessage(websocket.BinaryMessage+websocket.TextMessage-m.kind, []byte("{}"))
}

func (m *messages) Cut() error {
	if tcp, ok := m.conn.NetConn().(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			return err
		}
	}
	return m.conn.Close()
}

func (m *messages) Close() error {
	return m.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
}
