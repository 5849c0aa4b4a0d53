package shard_test

import (
	"bytes"
	"errors"
	"maps"
	"strconv"
	"strings"

	"github.com/pushcore/pushcore/core/shard"
	"github.com/pushcore/pushcore/sdk"
)

// seal and unseal are a box that anybody can open.
func seal(plain []byte) []byte { return append([]byte("sealed:"), plain...) }

func unseal(sealed []byte) ([]byte, error) {
	if plain, ok := bytes.CutPrefix(sealed, []byte("sealed:")); ok {
		return plain, nil
	}
	return nil, errors.New("not sealed")
}

// outside is what happens between a core and a plugin's process.
func (s *stage) outside(what string, a args) {
	switch what {
	case "die":
		conns, names := maps.Clone(s.conns), maps.Clone(s.names)
		s.crash()
		s.conns, s.names = conns, names
	case "rejoin":
		s.rejoin(a)
	case "block", "unblock":
		if len(a) == 0 {
			s.shard.Block(0, what == "block")
			return
		}
		kind := sdk.EventCongested
		if what == "unblock" {
			kind = sdk.EventWritable
		}
		s.shard.Events(0, []sdk.Event{{Kind: kind}})
	case "written":
		n, _ := strconv.ParseUint(a[0], 10, 64)
		s.shard.Written(0, n)
	case "rename":
		s.rename(a)
	}
}

func (s *stage) rejoin(a args) {
	var conns []shard.Rejoined
	for _, word := range a {
		name, how, _ := strings.Cut(word, ",")
		r := *s.left[name]
		switch how {
		case "gone":
			r.Gone = true
			delete(s.conns, name)
		case "queued":
			r.Queued = 100
		case "forged":
			r.Keep = bytes.TrimPrefix(r.Keep, []byte("sealed"))
		}
		conns = append(conns, r)
	}
	s.shard.Rejoin(0, conns)
}

// rename moves connections to the next process.
func (s *stage) rename(a args) {
	var names []shard.Renamed
	for _, word := range a {
		name, how, _ := strings.Cut(word, ",")
		from := s.conns[name]
		to := from + 1<<48
		if how == "lost" {
			to = 0
		}
		names = append(names, shard.Renamed{From: from, To: to})
		s.conns[name], s.names[to], s.auth[to], s.manual[to] = to, name, s.auth[from], s.manual[from]
	}
	s.shard.Rename(0, names)
}
