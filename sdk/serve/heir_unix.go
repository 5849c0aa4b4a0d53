//go:build unix

package serve

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// A hand-over goes through a unix socket of the successor's, one way, as parcels:
//
//	offset size
//	0      4    length of the body
//	4      4    kind
//	8      4    loop
//
// The descriptor of a connection or listener travels with its header (SCM_RIGHTS).

const parcelHeader = 12

// parcelMax bounds a body, in bytes: what waits to be written to one connection,
// and some more.
const parcelMax = 64 << 20

// parcelKind says what a parcel is.
type parcelKind uint32

const (
	parcelHello    parcelKind = iota + 1 // the token
	parcelConn                           // a connection, with its descriptor
	parcelListener                       // a listener's state, with its descriptor
	parcelEnd                            // that was all
)

// parcel is one thing that is handed over.
type parcel struct {
	kind parcelKind
	loop int
	body []byte
	fd   int // -1: none
}

// sendParcel writes a parcel. Its descriptor stays open here.
func sendParcel(c *net.UnixConn, p *parcel) error {
	var header [parcelHeader]byte
	binary.LittleEndian.PutUint32(header[:], uint32(len(p.body)))
	binary.LittleEndian.PutUint32(header[4:], uint32(p.kind))
	binary.LittleEndian.PutUint32(header[8:], uint32(p.loop))
	var rights []byte
	if p.fd >= 0 {
		rights = unix.UnixRights(p.fd)
	}
	if _, _, err := c.WriteMsgUnix(header[:], rights, nil); err != nil {
		return err
	}
	_, err := c.Write(p.body)
	return err
}

// receiveParcel reads a parcel, whose descriptor is the caller's.
func receiveParcel(c *net.UnixConn) (parcel, error) {
	var header [parcelHeader]byte
	p := parcel{fd: -1}
	rights := make([]byte, unix.CmsgSpace(4))
	n, rn, _, _, err := c.ReadMsgUnix(header[:], rights)
	if err != nil {
		return p, err
	}
	if p.fd, err = oneDescriptor(rights[:rn]); err != nil {
		return p, err
	}
	if _, err := io.ReadFull(c, header[n:]); err != nil {
		return p, err
	}
	length := binary.LittleEndian.Uint32(header[:])
	if length > parcelMax {
		return p, fmt.Errorf("a parcel of %d bytes, at most %d are allowed", length, parcelMax)
	}
	p.kind = parcelKind(binary.LittleEndian.Uint32(header[4:]))
	p.loop = int(binary.LittleEndian.Uint32(header[8:]))
	p.body = make([]byte, length)
	_, err = io.ReadFull(c, p.body)
	return p, err
}

// oneDescriptor takes the descriptor out of a control message; -1: there is none.
func oneDescriptor(rights []byte) (int, error) {
	if len(rights) == 0 {
		return -1, nil
	}
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return -1, errors.Join(err, errors.New("a parcel with other rights than one descriptor"))
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, errors.Join(err, errors.New("a parcel with other rights than one descriptor"))
	}
	unix.CloseOnExec(fds[0])
	return fds[0], nil
}

// heir waits for what another process hands over.
type heir struct {
	listener *net.UnixListener
	token    []byte
}

func newHeir(dir string) (*heir, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "heir"), Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for what is handed over: %w", err)
	}
	if err := os.Chmod(l.Addr().String(), 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen for what is handed over: %w", err)
	}
	h := &heir{listener: l, token: make([]byte, pluginrpc.TokenSize)}
	_, _ = rand.Read(h.token) // It never fails.
	return h, nil
}

// accept returns the connection of the process that hands over.
func (h *heir) accept() (*net.UnixConn, error) {
	defer func() { _ = h.listener.Close() }()
	if err := h.listener.SetDeadline(time.Now().Add(helloWithin)); err != nil {
		return nil, err
	}
	c, err := h.listener.AcceptUnix()
	if err != nil {
		return nil, err
	}
	err = pluginrpc.CheckPeer(c)
	if err == nil {
		var hello parcel
		hello, err = receiveParcel(c)
		if err == nil && (hello.kind != parcelHello || !bytes.Equal(hello.body, h.token)) {
			err = errToken
		}
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}
