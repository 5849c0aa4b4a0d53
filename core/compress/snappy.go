package compress

import (
	"slices"

	"github.com/golang/snappy"
)

// snappyCodec is Snappy's block format: no framing, no checksum, the length in
// front.
type snappyCodec struct{}

var _ Codec = snappyCodec{}

// snappyRatioMax is more than the format can expand: its densest element says
// 64 bytes in 3.
const snappyRatioMax = 22

func (snappyCodec) Name() string   { return snappyName }
func (snappyCodec) Number() Number { return Snappy }

func (snappyCodec) Compress(dst, src []byte) ([]byte, bool) {
	if len(src) < Threshold {
		return dst, false
	}
	room := snappy.MaxEncodedLen(len(src))
	if room < 0 {
		return dst, false // 4 GiB and more
	}
	start := len(dst)
	grown := slices.Grow(dst, room)
	out := snappy.Encode(grown[start:start+room], src)
	if len(out) >= len(src) {
		return dst, false
	}
	return grown[:start+len(out)], true
}

func (snappyCodec) Decompress(dst, src []byte, sizeBytesMax int) ([]byte, error) {
	size, err := snappy.DecodedLen(src)
	if err != nil {
		return dst, ErrCorrupt
	}
	if size > sizeBytesMax {
		return dst, ErrTooLarge
	}
	if size/snappyRatioMax > len(src) {
		return dst, ErrCorrupt
	}
	start := len(dst)
	grown := slices.Grow(dst, size)[:start+size]
	if _, err := snappy.Decode(grown[start:], src); err != nil {
		return dst, ErrCorrupt
	}
	return grown, nil
}
