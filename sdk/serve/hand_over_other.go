//go:build !unix

package serve

import (
	"context"
	"errors"
	"net"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// handedLoop is what a loop has handed over.
type handedLoop struct{}

func (r *transportRunner) handed(sdk.Loop, []pluginrpc.Handed) {}

// TakeOver implements runner, as the following does.
func (r *transportRunner) TakeOver(context.Context, *pluginpb.TakeOverRequest) (*pluginpb.TakeOverReply, error) {
	return nil, errors.ErrUnsupported
}

func (r *transportRunner) HandOver(context.Context, *pluginpb.HandOverRequest) (*pluginpb.HandOverReply, error) {
	return nil, errors.ErrUnsupported
}

func (r *transportRunner) takeConn(sdk.Loop, *net.UnixConn) error { return errors.ErrUnsupported }
