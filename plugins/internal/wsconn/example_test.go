package wsconn_test

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/pushcore/pushcore/plugins/internal/wsconn"
)

// What a transport does with the bytes that it reads, here a request and the
// first frames behind it in one buffer.
func Example() {
	upgrader, err := wsconn.NewUpgrader(wsconn.Config{Path: "/connect", Subprotocols: []string{"pushcore.v1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	in := []byte("GET /connect HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		"Sec-WebSocket-Protocol: pushcore.v1\r\n\r\n" +
		"\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58" + "\x88\x80\x00\x00\x00\x00")
	var out []byte // Written to the socket at the end of the turn.
	defer func() { fmt.Println(len(out), "bytes to write") }()

	var handshake wsconn.Handshake
	request, in, err := handshake.Feed(upgrader, netip.MustParseAddr("127.0.0.1"), in)
	var refusal *wsconn.Refusal
	if errors.As(err, &refusal) {
		out = refusal.AppendResponse(out)
		return
	}
	fmt.Println("connected with", request.Subprotocol)
	out = request.AppendResponse(out)

	conn := wsconn.NewConn(0)
	for !conn.Closed() {
		event, rest, err := conn.Next(in)
		var broken *wsconn.Error
		if errors.As(err, &broken) {
			out = conn.AppendClose(out, broken.Code, broken.Rule)
			break
		}
		in = rest
		switch event.Opcode {
		case wsconn.None:
			return // Read more.
		case wsconn.Ping:
			out = wsconn.AppendFrame(out, wsconn.Pong, event.Payload)
		case wsconn.Close:
			out = conn.AppendClose(out, event.Code, "")
		case wsconn.Binary:
			fmt.Printf("message %q\n", event.Payload)
		}
	}
	fmt.Println("closed")
	// Output:
	// connected with pushcore.v1
	// message "Hello"
	// closed
	// 168 bytes to write
}
