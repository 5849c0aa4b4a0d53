//go:build unix

package serve

import (
	"context"
	"net"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// handedLoop is what a loop has handed over.
type handedLoop struct {
	loop  sdk.Loop
	conns []pluginrpc.Handed
}

// handed is called on a loop that was frozen.
func (r *transportRunner) handed(l sdk.Loop, conns []pluginrpc.Handed) {
	r.frozen <- handedLoop{l, conns} // There is room for one of each loop, and each is frozen once.
}

// HandOver implements runner. It returns when all loops were frozen, and all that
// they had is with the successor.
func (r *transportRunner) HandOver(ctx context.Context, q *pluginpb.HandOverRequest) (*pluginpb.HandOverReply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.plugin.(sdk.Freezer); !ok || !r.opened {
		return &pluginpb.HandOverReply{Error: errNoFreezer.Error()}, nil
	}
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: q.GetAddress(), Net: "unix"})
	if err != nil {
		return &pluginpb.HandOverReply{Error: err.Error()}, nil
	}
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	n, err := r.handOver(ctx, c, q.GetToken())
	if err != nil {
		r.exit("its connections were not handed over: " + err.Error()) // Some loops may have none any more.
		return &pluginpb.HandOverReply{Error: err.Error()}, nil
	}
	r.opened = false // Nothing is left to close.
	return &pluginpb.HandOverReply{Connections: n}, nil
}

func (r *transportRunner) handOver(ctx context.Context, c *net.UnixConn, token []byte) (n uint64, err error) {
	if err := pluginrpc.CheckPeer(c); err != nil {
		return 0, err
	}
	if err := sendParcel(c, &parcel{kind: parcelHello, body: token, fd: -1}); err != nil {
		return 0, err
	}
	var scratch []byte
	for range r.loops.Loops() {
		var h handedLoop
		select {
		case h = <-r.frozen:
		case <-ctx.Done():
			return n, ctx.Err()
		}
		for i := range h.conns {
			scratch = pluginrpc.AppendHanded(scratch[:0], &h.conns[i])
			if err := r.handOne(c, &parcel{parcelConn, int(h.loop), scratch, h.conns[i].FD}); err != nil {
				return n, err
			}
			n++
		}
	}
	for _, l := range r.loops.FreezeListeners() {
		if err := r.handOne(c, &parcel{parcelListener, 0, l.State, l.FD}); err != nil {
			return n, err
		}
	}
	return n, sendParcel(c, &parcel{kind: parcelEnd, fd: -1})
}

// handOne sends a descriptor away and closes it here.
func (r *transportRunner) handOne(c *net.UnixConn, p *parcel) error {
	err := sendParcel(c, p)
	_ = unix.Close(p.fd)
	return err
}
