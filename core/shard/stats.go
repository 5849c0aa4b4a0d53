package shard

import (
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

// Stats is what a shard counts. It is the shard's; queries get a copy.
type Stats struct {
	Books          Books
	Fates          [envelope.NumFates][envelope.NumReasons][sdk.Fast + 1]uint64 // also by class
	Delivery       [sdk.Fast + 1]Histogram                                      // accepted → acked or sent, by class
	SessionSeconds Histogram
	Closes         map[CodeOf]uint64
	Rejects        map[CodeOf]uint64
	Attempts       uint64
	LateAcks       uint64
	Resumed        uint64
	Rejoined       uint64 // sessions of an earlier run that went on with their plugin
	StoreFailures  uint64
	NoticesLost    uint64 // receipts and letters that the broker will never take
	EventsMerged   uint64 // events not told because a newer one of the device waited
	NoticesWaiting int
	MembersRefused uint64

	// The following are filled in for a query.
	Connections        []int // by plugin
	Attached, Detached int
	Clients            map[ClientOf]int
	Users, Groups      int
}

// CodeOf is a close code of one transport instance.
type CodeOf struct {
	Plugin int
	Code   uint16
}

// ClientOf is a kind of device and the version of its software.
type ClientOf struct{ Platform, Version string }

func (s *Stats) close(plugin int, code uint16) {
	if s.Closes == nil {
		s.Closes = map[CodeOf]uint64{}
	}
	s.Closes[CodeOf{plugin, code}]++
}

func (s *Stats) reject(plugin int, code uint16) {
	if s.Rejects == nil {
		s.Rejects = map[CodeOf]uint64{}
	}
	s.Rejects[CodeOf{plugin, code}]++
}

// Buckets are the upper bounds of a Histogram, in seconds.
var Buckets = [...]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400}

// Histogram counts durations.
type Histogram struct {
	Counts [len(Buckets) + 1]uint64 // the last is beyond all bounds
	Sum    time.Duration
}

// Observe counts one.
func (h *Histogram) Observe(d time.Duration) {
	h.Sum += d
	seconds := d.Seconds()
	for i, bound := range Buckets {
		if seconds <= bound {
			h.Counts[i]++
			return
		}
	}
	h.Counts[len(Buckets)]++
}

// Add adds the counts of another shard; connections are by the same plugins.
func (s *Stats) Add(o *Stats) {
	s.Books.add(&o.Books)
	for f := range s.Fates {
		for r := range s.Fates[f] {
			for c := range s.Fates[f][r] {
				s.Fates[f][r][c] += o.Fates[f][r][c]
			}
		}
	}
	for c := range s.Delivery {
		s.Delivery[c].add(&o.Delivery[c])
	}
	s.SessionSeconds.add(&o.SessionSeconds)
	for k, n := range o.Closes {
		s.Closes[k] += n
	}
	for k, n := range o.Rejects {
		s.Rejects[k] += n
	}
	for k, n := range o.Clients {
		s.Clients[k] += n
	}
	for i, n := range o.Connections {
		s.Connections[i] += n
	}
	s.Attempts += o.Attempts
	s.LateAcks += o.LateAcks
	s.Resumed += o.Resumed
	s.Rejoined += o.Rejoined
	s.StoreFailures += o.StoreFailures
	s.NoticesLost += o.NoticesLost
	s.EventsMerged += o.EventsMerged
	s.NoticesWaiting += o.NoticesWaiting
	s.MembersRefused += o.MembersRefused
	s.Attached += o.Attached
	s.Detached += o.Detached
	s.Users += o.Users
	s.Groups += o.Groups
}

func (h *Histogram) add(o *Histogram) {
	h.Sum += o.Sum
	for i, n := range o.Counts {
		h.Counts[i] += n
	}
}

func (b *Books) add(o *Books) {
	b.Carried += o.Carried
	b.Owed += o.Owed
	for f, n := range o.Fates {
		b.Fates[f] += n
	}
	b.Memory += o.Memory
	b.Storing += o.Storing
	b.Held += o.Held
	b.InStore += o.InStore
}
