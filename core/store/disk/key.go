package disk

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/cespare/xxhash/v2"
)

// What begins a key. Of names, lengths stand in front, so that none is the beginning
// of another; numbers are big-endian, so that keys lie in their order.
//
//	f                           format of what lies here
//	m                           the highest order
//	s                           how many groups were committed; see tally
//	e user order                an entry: who a stored message is for
//	b user order                its message, if it is this user's alone
//	p number                    a message that several users share
//	x deadline user order       index of entries by their end
//	i hash user order           index of entries by their message's scope and id
//	c user collapse order       index of entries by their collapse key
//	u user d device             a known device
//	u user g group              a membership
//	g group user                index of memberships by group
//	o number                    a notice
//	w user order fate device    index of notices by their pair
//	n until scope id            an id that is remembered
//	h group position            a message of a group's history
//	q group                     a group's position
//
// A user's name has his tenant's in front, which is empty so far.
const (
	keyFormat   = 'f'
	keyHighest  = 'm'
	keyCommits  = 's'
	keyEntry    = 'e'
	keyBody     = 'b'
	keyShared   = 'p'
	keyExpiry   = 'x'
	keyID       = 'i'
	keyCollapse = 'c'
	keyUser     = 'u'
	keyGroup    = 'g'
	keyNotice   = 'o'
	keyPair     = 'w'
	keyKept     = 'n'
	keyHistory  = 'h'
	keyPosition = 'q'

	userDevice = 'd'
	userMember = 'g'

	noTenant = 0 // the length of its name
)

func appendName(k []byte, name string) []byte {
	return append(binary.AppendUvarint(k, uint64(len(name))), name...)
}

func appendUser(k []byte, user string) []byte { return appendName(append(k, noTenant), user) }

// userKey begins the keys of a kind that are a user's.
func userKey(k []byte, kind byte, user string) []byte { return appendUser(append(k, kind), user) }

// orderKey is the key of a kind of a user's message.
func orderKey(k []byte, kind byte, user string, order uint64) []byte {
	return binary.BigEndian.AppendUint64(userKey(k, kind, user), order)
}

func numberKey(k []byte, kind byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(k, kind), number)
}

func expiryKey(k []byte, deadline uint64, user string, order uint64) []byte {
	return binary.BigEndian.AppendUint64(appendUser(numberKey(k, keyExpiry, deadline), user), order)
}

func idKey(k []byte, hash uint64, user string, order uint64) []byte {
	return binary.BigEndian.AppendUint64(appendUser(numberKey(k, keyID, hash), user), order)
}

func collapseKey(k []byte, user, collapse string, order uint64) []byte {
	return binary.BigEndian.AppendUint64(appendName(userKey(k, keyCollapse, user), collapse), order)
}

func deviceKey(k []byte, user, device string) []byte {
	return append(append(userKey(k, keyUser, user), userDevice), device...)
}

func memberKey(k []byte, user, group string) []byte {
	return append(append(userKey(k, keyUser, user), userMember), group...)
}

func groupKey(k []byte, kind byte, group string) []byte { return appendName(append(k, kind), group) }

func pairKey(k []byte, user string, order uint64, fate byte, device string) []byte {
	return append(append(orderKey(k, keyPair, user, order), fate), device...)
}

func keptKey(k []byte, until uint64, scope, id string) []byte {
	return appendName(appendName(numberKey(k, keyKept, until), scope), id)
}

// end is the first key that does not begin with a prefix.
func end(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < math.MaxUint8 {
			last := append([]byte(nil), prefix[:i+1]...)
			last[i]++
			return last
		}
	}
	return nil
}

// instant is a time as a number that keys and values hold: nanoseconds, moved so
// that they are not negative; what is too early or too late is as early or as late
// as can be.
func instant(t time.Time) uint64 {
	const most = math.MaxInt64 / int64(time.Second)
	switch seconds := t.Unix(); {
	case seconds >= most:
		return math.MaxUint64
	case seconds <= -most:
		return 0
	}
	return uint64(t.UnixNano()) ^ (1 << 63) //nolint:gosec // The bits are what is wanted.
}

// parsed takes a key apart. What it cannot take is damage.
type parsed struct {
	rest []byte
	bad  bool
}

func parse(key []byte, skip int) parsed {
	if len(key) < skip {
		return parsed{bad: true}
	}
	return parsed{rest: key[skip:]}
}

func (p *parsed) name() string {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 || n > uint64(len(p.rest)-size) {
		p.rest, p.bad = nil, true
		return ""
	}
	name := string(p.rest[size : size+int(n)]) //nolint:gosec // n is not above the length.
	p.rest = p.rest[size+int(n):]              //nolint:gosec // As above.
	return name
}

func (p *parsed) user() string {
	if tenant := p.name(); tenant != "" {
		p.bad = true
	}
	return p.name()
}

func (p *parsed) number() uint64 {
	if len(p.rest) < 8 {
		p.rest, p.bad = nil, true
		return 0
	}
	n := binary.BigEndian.Uint64(p.rest)
	p.rest = p.rest[8:]
	return n
}

func (p *parsed) octet() byte {
	if len(p.rest) == 0 {
		p.bad = true
		return 0
	}
	b := p.rest[0]
	p.rest = p.rest[1:]
	return b
}

// hashID is what the index has of a message's scope and id. Others may have the
// same: who finds one compares.
func hashID(scope, id string) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(scope)
	_, _ = d.Write([]byte{0})
	_, _ = d.WriteString(id)
	return d.Sum64()
}
