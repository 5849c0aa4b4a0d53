package shard

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk/wire"
)

// kept is what of a session outlives the process, in what its plugin keeps for it.
// What the config may give another meaning (codecs, forwarded headers, plugins) is
// there by name.
type kept struct {
	plugin   string // instance
	user     string
	device   string
	platform string
	id       string
	token    []byte
	epoch    uint64
	conns    uint32 // connections that the session has had
	last     uint64 // highest number given so far
	since    time.Time
	expires  time.Time // zero: never

	heartbeat time.Duration
	windowMax int
	codec     string
	headers   []string
	client    session.Client
	peer      string
	groups    []keptGroup
}

// keptGroup is a group that the session has joined.
type keptGroup struct {
	name     string
	claimed  bool   // by the credentials; else the device asked for it
	position uint64 // in its history: what the session was given last; 0: none
}

const (
	keptVersion = 1
	tokenSize   = 16
	headersMax  = 64
)

var errKept = errors.New("shard: what was kept of a session is not understood")

// appendKept appends its bytes: a version, then the fields in order. Numbers are
// varints, times nanoseconds since 1970 with 0 for none, strings and lists begin
// with their length.
func appendKept(b []byte, k *kept) []byte {
	b = append(b, keptVersion)
	for _, text := range [...]string{k.plugin, k.user, k.device, k.platform, k.id, string(k.token)} {
		b = appendText(b, text)
	}
	for _, n := range [...]uint64{k.epoch, uint64(k.conns), k.last} {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.AppendVarint(b, nanos(k.since))
	b = binary.AppendVarint(b, nanos(k.expires))
	b = binary.AppendVarint(b, int64(k.heartbeat))
	b = binary.AppendVarint(b, int64(k.windowMax))
	for _, text := range [...]string{k.codec, k.client.Name, k.client.Version, k.peer} {
		b = appendText(b, text)
	}
	b = binary.AppendUvarint(b, uint64(len(k.headers)))
	for _, h := range k.headers {
		b = appendText(b, h)
	}
	b = binary.AppendUvarint(b, uint64(len(k.groups)))
	for i := range k.groups {
		g := &k.groups[i]
		b = appendText(b, g.name)
		b = binary.AppendUvarint(b, claimBit(g.claimed))
		b = binary.AppendUvarint(b, g.position)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func claimBit(claimed bool) uint64 {
	if claimed {
		return 1
	}
	return 0
}

// readKept reads what appendKept made. The error is errKept.
func readKept(b []byte) (*kept, error) {
	r := keptReader{b: b}
	if r.byte() != keptVersion {
		return nil, errKept
	}
	k := &kept{plugin: r.text(), user: r.text(), device: r.text(), platform: r.text(), id: r.text(), token: []byte(r.text())}
	k.epoch, k.conns, k.last = r.number(), uint32(r.number()), r.number() //nolint:gosec // It was one.
	k.since, k.expires = r.time(), r.time()
	k.heartbeat, k.windowMax = time.Duration(r.signed()), int(r.signed())
	k.codec, k.client.Name, k.client.Version, k.peer = r.text(), r.text(), r.text(), r.text()
	for range r.count(headersMax) {
		k.headers = append(k.headers, r.text())
	}
	for range r.count(joinedMax) {
		k.groups = append(k.groups, keptGroup{r.text(), r.number() == 1, r.number()})
	}
	if r.bad || len(r.b) > 0 || !k.valid() {
		return nil, errKept
	}
	return k, nil
}

// valid says whether a session can be what was read.
func (k *kept) valid() bool {
	for i := range k.groups {
		if !wire.ValidID(k.groups[i].name) {
			return false
		}
	}
	return wire.ValidID(k.user) && (k.device == "" || wire.ValidID(k.device)) && k.id != "" && len(k.token) == tokenSize &&
		k.heartbeat > 0 && k.windowMax >= 0 && k.last < seqMax
}

// seqMax is above the numbers that a session may have: clients count in 53 bits.
const seqMax = 1 << 53

// keptReader takes fields off the front of what it has. When something is wrong it
// is bad, and gives zeros from then on.
type keptReader struct {
	b   []byte
	bad bool
}

func (r *keptReader) fail() { r.b, r.bad = nil, true }

func (r *keptReader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	first := r.b[0]
	r.b = r.b[1:]
	return first
}

func (r *keptReader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *keptReader) signed() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *keptReader) time() time.Time {
	n := r.signed()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

func (r *keptReader) text() string {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.fail()
		return ""
	}
	text := string(r.b[:n])
	r.b = r.b[n:]
	return text
}

// count is the length of a list of at most so many; each item has a byte at least.
func (r *keptReader) count(most uint64) int {
	n := r.number()
	if n > most || n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n) //nolint:gosec // It is bounded.
}
