package main

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/cespare/xxhash/v2"
)

// benchStamp is what a payload says of itself. It is written as text, so that a
// batch carries it in JSON as it is.
type benchStamp struct {
	stream   uint8  // the publisher; numbers and order are its own
	number   uint32 // in the receiver's stream, from 1
	intended int64  // when it was meant to be published: nanoseconds of the machine's monotonic clock
}

// Before text: stream, number, intended, hash of all but itself.
const (
	benchStampRaw   = 1 + 4 + 8
	benchHashRaw    = 8
	benchStampBytes = 2 * (benchStampRaw + benchHashRaw)
)

// appendBenchPayload appends a payload of the size, which is at least
// benchStampBytes.
func appendBenchPayload(dst []byte, s benchStamp, size int) []byte {
	start := len(dst)
	var raw [benchStampRaw]byte
	raw[0] = s.stream
	binary.BigEndian.PutUint32(raw[1:], s.number)
	binary.BigEndian.PutUint64(raw[5:], uint64(s.intended))
	dst = hex.AppendEncode(dst, raw[:])
	at := len(dst)
	dst = append(dst, "0000000000000000"...)
	for len(dst)-start < size {
		dst = append(dst, 'a'+byte(len(dst)-start)%26)
	}
	var sum [benchHashRaw]byte
	binary.BigEndian.PutUint64(sum[:], benchHash(dst[start:]))
	hex.Encode(dst[at:], sum[:])
	return dst
}

// benchHash covers a payload but its hash.
func benchHash(payload []byte) uint64 {
	return xxhash.Sum64(payload[:2*benchStampRaw]) ^ xxhash.Sum64(payload[benchStampBytes:])
}

// parseBenchPayload returns false for what this run did not write, or not so.
func parseBenchPayload(b []byte) (benchStamp, bool) {
	var raw [benchStampRaw + benchHashRaw]byte
	if len(b) < benchStampBytes {
		return benchStamp{}, false
	}
	if _, err := hex.Decode(raw[:], b[:benchStampBytes]); err != nil {
		return benchStamp{}, false
	}
	if binary.BigEndian.Uint64(raw[benchStampRaw:]) != benchHash(b) {
		return benchStamp{}, false
	}
	return benchStamp{raw[0], binary.BigEndian.Uint32(raw[1:]), int64(binary.BigEndian.Uint64(raw[5:]))}, true
}

// benchStreamsMax bounds the publishers, since each receiver follows each.
const benchStreamsMax = 8

// benchStream is what a receiver has got of one publisher.
type benchStream struct {
	last uint32 // the highest number
	seen uint64 // of last and the 63 before it, those that came: bit i is last-i
}

// benchVerdict is what a number is to its receiver.
type benchVerdict uint8

const (
	benchNext  benchVerdict = iota // after all before it; some may be missing
	benchLate                      // not seen, but a higher one was
	benchAgain                     // seen
)

// take notes a number. One that is more than 63 behind counts as late, which a
// repeat of it may be as well.
func (s *benchStream) take(number uint32) benchVerdict {
	if number > s.last {
		if ahead := number - s.last; ahead < 64 {
			s.seen = s.seen<<ahead | 1
		} else {
			s.seen = 1
		}
		s.last = number
		return benchNext
	}
	behind := s.last - number
	if behind >= 64 {
		return benchLate
	}
	if s.seen&(1<<behind) != 0 {
		return benchAgain
	}
	s.seen |= 1 << behind
	return benchLate
}
