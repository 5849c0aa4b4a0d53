package client

import (
	"errors"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
)

const (
	codecZstd   = "zstd"
	codecSnappy = "snappy"
)

// codecNames are the compressions that the device reads, best first.
var codecNames = []string{codecZstd, codecSnappy}

// zstdWindowMax is the largest window a payload may ask for, what the format's
// description wants every decoder to take.
const zstdWindowMax = 8 << 20

// decompressor keeps a decoder between messages. It belongs to the handling
// goroutine.
type decompressor struct{ zstd *zstd.Decoder }

// decompress returns the bytes that src stands for, in memory of their own and
// at most limit of them: what src declares is compared with limit before
// anything is allocated. Errors are final.
func (d *decompressor) decompress(codec string, src []byte, limit int) ([]byte, error) {
	switch codec {
	case codecSnappy:
		return decompressSnappy(src, limit)
	case codecZstd:
		return d.decompressZstd(src, limit)
	}
	return nil, Refuse(errors.New("payload compressed without an agreed codec"))
}

// errCorrupt is what the device says of a payload that is none.
var errCorrupt = Refuse(errors.New("payload cannot be decompressed"))

// snappyRatioMax is more than Snappy can expand: its densest element says 64
// bytes in 3.
const snappyRatioMax = 22

func decompressSnappy(src []byte, limit int) ([]byte, error) {
	size, err := snappy.DecodedLen(src)
	switch {
	case err != nil || size/snappyRatioMax > len(src):
		return nil, errCorrupt
	case size > limit:
		return nil, tooLong(limit)
	}
	out, err := snappy.Decode(nil, src)
	if err != nil {
		return nil, errCorrupt
	}
	return out, nil
}

func (d *decompressor) decompressZstd(src []byte, limit int) ([]byte, error) {
	var header zstd.Header
	if err := header.Decode(src); err != nil || header.Skippable {
		return nil, errCorrupt
	}
	room := limit
	if header.HasFCS {
		if header.FrameContentSize > uint64(limit) {
			return nil, tooLong(limit)
		}
		room = int(header.FrameContentSize)
	}
	if d.zstd == nil {
		decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindowMax), zstd.WithDecoderMaxMemory(uint64(limit)))
		if err != nil {
			return nil, err
		}
		d.zstd = decoder
	}
	out, err := d.zstd.DecodeAll(src, make([]byte, 0, min(room, 8*len(src)+1024)))
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, tooLong(limit)
	case err != nil:
		return nil, errCorrupt
	}
	return out, nil
}
