package compress

import (
	"slices"

	"github.com/klauspost/compress/zstd"
)

// zstdCodec is Zstandard: one frame that declares its length, without checksum
// (the transports have theirs) and without dictionary.
type zstdCodec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	header  zstd.Header // Decompress's own, kept for its memory
}

var _ Codec = (*zstdCodec)(nil)

const (
	// zstdWindow is how far back the encoder looks. It decides the memory of a
	// loop's encoder and matters only for payloads larger than it.
	zstdWindow = 128 << 10

	// zstdDecoderWindow is the largest window a frame may ask for; that is what
	// the format's description recommends every decoder to take.
	zstdDecoderWindow = 8 << 20

	// zstdSlack is room behind the decoded bytes that lets the decoder copy in
	// whole words.
	zstdSlack = 32
)

func newZstdCodec() *zstdCodec {
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithLowerEncoderMem(true),
		zstd.WithSingleSegment(true), // the frame then always declares its length
		zstd.WithEncoderCRC(false),
	)
	if err != nil {
		panic("compress: zstd encoder: " + err.Error()) // the options are constants
	}
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdDecoderWindow),
		zstd.WithDecodeAllCapLimit(true),
	)
	if err != nil {
		panic("compress: zstd decoder: " + err.Error())
	}
	return &zstdCodec{encoder: encoder, decoder: decoder}
}

func (*zstdCodec) Name() string   { return zstdName }
func (*zstdCodec) Number() Number { return Zstd }

func (c *zstdCodec) Compress(dst, src []byte) ([]byte, bool) {
	if len(src) < Threshold {
		return dst, false
	}
	start := len(dst)
	grown := slices.Grow(dst, MaxCompressedLen(len(src)))
	out := c.encoder.EncodeAll(src, grown[:start])
	if len(out)-start >= len(src) {
		return dst, false
	}
	return out, true
}

func (c *zstdCodec) Decompress(dst, src []byte, sizeBytesMax int) ([]byte, error) {
	h := &c.header
	if h.Decode(src) != nil || h.Skippable || !h.HasFCS {
		return dst, ErrCorrupt
	}
	if sizeBytesMax < 0 || h.FrameContentSize > uint64(sizeBytesMax) {
		return dst, ErrTooLarge
	}
	size := int(h.FrameContentSize)
	start := len(dst)
	grown := slices.Grow(dst, size+zstdSlack)
	// The decoder gets the room alone: what stands before it in dst is not for
	// a frame to refer back to.
	out, err := c.decoder.DecodeAll(src, grown[start:start:start+size+zstdSlack])
	if err != nil || len(out) != size {
		return dst, ErrCorrupt
	}
	return append(grown[:start], out...), nil
}
