package compress

import "errors"

// Threshold is the payload size in bytes below which nothing is compressed:
// without a dictionary too little is saved for the work on both sides.
const Threshold = 200

// Errors of Decompress. They are the peer's fault.
var (
	// ErrTooLarge: the data declares more bytes than the caller allows.
	ErrTooLarge = errors.New("compress: larger than allowed")
	// ErrCorrupt: the data is not what the codec writes, or declares a length
	// that it cannot have.
	ErrCorrupt = errors.New("compress: corrupt data")
)

// Codec is a compression. It keeps its memory between calls and is used by one
// goroutine.
type Codec interface {
	// Name is what devices and configurations call it.
	Name() string

	// Number is what stands for it in bytes.
	Number() Number

	// Compress appends src, compressed, to dst. It returns false, and dst as it
	// was, if src is below Threshold or does not shrink. It allocates nothing
	// where dst has room for MaxCompressedLen(len(src)) more bytes. The slices
	// must not overlap and are the caller's again on return.
	Compress(dst, src []byte) ([]byte, bool)

	// Decompress appends the bytes that src stands for to dst, at most
	// sizeBytesMax of them. What src declares is compared with that before
	// anything is allocated. The slices must not overlap and are the caller's
	// again on return; memory of the result may be held, untouched, until the
	// next call. The errors are ErrTooLarge and ErrCorrupt, with dst as it was.
	Decompress(dst, src []byte, sizeBytesMax int) ([]byte, error)
}

// Number is a codec's number, the same for ever.
type Number uint8

// The numbers.
const (
	None Number = iota // not compressed
	Snappy
	Zstd
)

const (
	snappyName = "snappy"
	zstdName   = "zstd"
)

// Name returns the codec's name, empty for None and for numbers that are not
// in this version.
func (n Number) Name() string {
	switch n {
	case Snappy:
		return snappyName
	case Zstd:
		return zstdName
	}
	return ""
}

// numberOf returns the number of a name, None if it is not known.
func numberOf(name string) Number {
	switch name {
	case snappyName:
		return Snappy
	case zstdName:
		return Zstd
	}
	return None
}

// Names returns the names of all codecs, those first that a node prefers if
// nothing is configured: the cheaper one.
func Names() []string { return []string{snappyName, zstdName} }

// MaxCompressedLen returns how much room Compress needs for n bytes.
func MaxCompressedLen(n int) int { return 32 + n + n/6 }
