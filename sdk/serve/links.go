package serve

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// helloWithin is how long a link may take to say whose it is.
const helloWithin = 5 * time.Second

// seat takes links once it is known whose they are. Its methods are called on
// goroutines of their own.
type seat interface {
	// takeConn begins a loop's link on a socket, which is the seat's from now on.
	takeConn(l sdk.Loop, c *net.UnixConn) error
	// takePipe begins it on a pipe and returns a channel closed at its end.
	takePipe(l sdk.Loop, p pluginrpc.Pipe) (<-chan struct{}, error)
}

// links lets the runtime's links in, over both carriers, each with a token for one
// use.
type links struct {
	seat     seat
	log      *slog.Logger
	listener *net.UnixListener // nil: the portable carrier only

	mu     sync.Mutex // guards tokens
	tokens map[string]sdk.Loop
}

var _ pluginpb.LinksServer = (*links)(nil)

// newLinks listens beside the control socket, in the same private directory.
func newLinks(dir string, s seat, log *slog.Logger) (*links, error) {
	k := &links{seat: s, log: log, tokens: map[string]sdk.Loop{}}
	if os.Getenv(pluginrpc.CarrierKey) == pluginrpc.CarrierPortable {
		return k, nil
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "links"), Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for links: %w", err)
	}
	if err := os.Chmod(l.Addr().String(), 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen for links: %w", err)
	}
	k.listener = l
	go k.accept()
	return k, nil
}

// address is where links are accepted, or empty.
func (k *links) address() string {
	if k.listener == nil {
		return ""
	}
	return k.listener.Addr().String()
}

// issue makes a token for each of n loops; those of an earlier runtime are void.
func (k *links) issue(n int) [][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.tokens)
	var tokens [][]byte
	for l := range n {
		t := make([]byte, pluginrpc.TokenSize)
		_, _ = rand.Read(t) // It never fails.
		k.tokens[string(t)] = sdk.Loop(l)
		tokens = append(tokens, t)
	}
	return tokens
}

var errToken = errors.New("the token is not valid, or no more")

// redeem uses up a token.
func (k *links) redeem(token []byte, l sdk.Loop) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if is, found := k.tokens[string(token)]; !found || is != l {
		return errToken
	}
	delete(k.tokens, string(token))
	return nil
}

func (k *links) accept() {
	for {
		c, err := k.listener.AcceptUnix()
		if err != nil {
			return // It is closed.
		}
		go func() {
			if err := k.welcome(c); err != nil {
				k.log.Warn("a link was refused", "error", err)
				_ = c.Close()
			}
		}()
	}
}

// welcome reads a link's first record.
func (k *links) welcome(c *net.UnixConn) error {
	if err := pluginrpc.CheckPeer(c); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(helloWithin)); err != nil {
		return err
	}
	first := make([]byte, pluginrpc.HeaderSize+pluginrpc.TokenSize)
	if _, err := io.ReadFull(c, first); err != nil {
		return fmt.Errorf("read its first record: %w", err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	l, _, err := k.hello(first)
	if err != nil {
		return err
	}
	return k.seat.takeConn(l, c)
}

// hello checks the first record of a link and returns what follows it.
func (k *links) hello(first []byte) (sdk.Loop, []byte, error) {
	r, rest, err := pluginrpc.Next(first)
	if err != nil {
		return 0, nil, err
	}
	token, l, err := r.Hello()
	if err != nil {
		return 0, nil, err
	}
	return l, rest, k.redeem(token, l)
}

// Link implements pluginpb.LinksServer.
func (k *links) Link(s pluginpb.LinkStream) error {
	var first pluginpb.Records
	if err := s.RecvMsg(&first); err != nil {
		return err
	}
	l, rest, err := k.hello(first)
	if err != nil {
		k.log.Warn("a link was refused", "error", err)
		return err
	}
	gone, err := k.seat.takePipe(l, pluginpb.NewStreamPipe(s, bytes.Clone(rest), func() {}))
	if err != nil {
		return err
	}
	select {
	case <-gone:
	case <-s.Context().Done():
		<-gone
	}
	return nil
}

// Register adds the portable carrier.
func (k *links) Register(r grpc.ServiceRegistrar) { pluginpb.RegisterLinks(r, k) }

func (k *links) close() {
	if k.listener != nil {
		_ = k.listener.Close()
	}
}
