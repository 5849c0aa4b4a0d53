//go:build unix

package core

import (
	"bytes"
	"os"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pushcore/pushcore/core/host/local"
	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

func TestEstateIsReadAsItWasWritten(t *testing.T) {
	want := &Estate{Version: EstateVersion, Transports: map[string]*local.Estate{"edge": {
		Listeners: []sdk.Frozen{{FD: 7, State: []byte("listens")}},
		Conns: []local.Heritage{
			{Frozen: sdk.Frozen{Conn: 1, FD: 8, State: []byte("half a frame")}, Session: shard.Rejoined{Conn: 1, Keep: []byte("sealed"), Seq: 5, Queued: 1}},
			{Frozen: sdk.Frozen{Conn: 2, FD: 9}, Connect: &sdk.Connect{User: "alice", Resume: &sdk.Resume{Token: []byte{1}, Epoch: 2, Seq: 3}}},
		},
	}}}
	var b bytes.Buffer
	if err := WriteEstate(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadEstate(&b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v (%v), was %+v", got, err, want)
	}
	if fds := got.Descriptors(); !reflect.DeepEqual(fds, []int{7, 8, 9}) || got.Connections() != 2 {
		t.Errorf("descriptors %v of %d connections", fds, got.Connections())
	}
	if _, err := ReadEstate(bytes.NewBufferString(`{"Version":0}`)); err == nil {
		t.Error("another version was read")
	}
}

func TestConnectionsThatNobodyTakesOverEnd(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	e := &Estate{Version: EstateVersion, Transports: map[string]*local.Estate{"gone": {Conns: []local.Heritage{{Frozen: sdk.Frozen{FD: dup(t, r)}}}}}}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	e.Close()
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("its descriptor is open")
	}
}
func dup(t *testing.T, f *os.File) int {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}
