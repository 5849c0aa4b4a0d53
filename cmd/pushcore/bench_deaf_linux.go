package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk/wire"
)

// benchDeafBuffer is the receive buffer of a device that reads nothing, in bytes:
// small, so that what it is sent jams soon.
const benchDeafBuffer = 4 << 10

// openDeaf opens connections that join the group and then read nothing, beside
// those that are measured. They say nothing either, so that the node ends them when
// their heartbeat has run out.
func (b *bench) openDeaf(ctx context.Context) error {
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, benchDeafBuffer)
		})
		return errors.Join(err, failed)
	}}
	for i := range b.options.Deaf {
		conn, err := dialer.DialContext(ctx, "tcp", b.target.Address)
		if err != nil {
			return withExit(exitUnreachable, fmt.Errorf("connect device %d that reads nothing: %w", i, err))
		}
		b.deaf = append(b.deaf, conn)
		var hello []byte
		if b.target.WebSocket {
			hello = b.target.upgradeRequest()
		}
		hello = b.target.appendFrame(hello, &wire.Connect{
			Client: "pushcore bench", ClientVersion: version, User: "deaf-" + b.run + "-" + strconv.Itoa(i), Device: "d", Groups: []string{b.group}})
		if _, err := conn.Write(hello); err != nil {
			return fmt.Errorf("connect device %d that reads nothing: %w", i, err)
		}
	}
	return nil
}

func (b *bench) closeDeaf() {
	for _, conn := range b.deaf {
		_ = conn.Close() // Nothing is expected of it.
	}
}
