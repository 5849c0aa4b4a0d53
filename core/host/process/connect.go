package process

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// openStream opens a link of the portable carrier.
func openStream(c *grpc.ClientConn) (pluginrpc.Pipe, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := pluginpb.OpenLink(ctx, c)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open a link: %w", err)
	}
	return pluginpb.NewStreamPipe(s, nil, cancel), nil
}

// openPipe opens a link for goroutines to wait at, over either carrier.
func openPipe(ctx context.Context, p *Process, address string) (pluginrpc.Pipe, error) {
	if address == "" {
		return openStream(p.Conn())
	}
	c, err := dialLink(ctx, p, address)
	if err != nil {
		return nil, err
	}
	return pluginrpc.NewConnPipe(c), nil
}

// dialLink connects to where a process accepts links, which must be in its own
// directory, and makes sure that it is who answers there.
func dialLink(ctx context.Context, p *Process, address string) (*net.UnixConn, error) {
	if err := checkAddress(p.dir, "unix", address); err != nil {
		return nil, err
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", address)
	if err != nil {
		return nil, fmt.Errorf("open a link: %w", err)
	}
	u := c.(*net.UnixConn)
	if err := pluginrpc.CheckPeer(u); err != nil {
		_ = u.Close()
		return nil, fmt.Errorf("open a link: %w", err)
	}
	return u, nil
}
