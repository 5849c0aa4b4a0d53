package wire

// Limits of the protocol. Parse refuses what exceeds one, before it allocates.
const (
	// CounterMax is the largest number in a frame: what a double holds exactly.
	CounterMax = 1<<53 - 1

	// QuantityMax is the largest duration (in milliseconds), count or size in a
	// frame: what 32 bits, JavaScript's timers and, as milliseconds, a
	// time.Duration hold.
	QuantityMax = 1<<31 - 1

	FrameBytesDefault = 1<<20 + 32<<10 // A payload of 1 MiB and what a frame adds to it at most.
	ConnectBytesMax   = 64 << 10       // A CONNECT, which strangers send: what a transport holds for them is bounded by it.

	// JSONFactor is how many times longer a JSON text may be than a binary
	// frame: base64 takes a third more, and every quote is written in two bytes.
	JSONFactor = 2

	CredentialBytesMax  = 8 << 10 // Token, user name, password: each.
	SessionTokenMax     = 512     // Bytes of the session's token.
	MessageIDBytesMax   = 128     // An id of PUSH or SEND.
	NameBytesMax        = 64      // A message's name; a client's name and version; a codec's name.
	PlatformBytesMax    = 255
	TextBytesMax        = 512 // Text for people: of a refusal, a close, a result.
	AddressBytesMax     = 512 // Where to reconnect.
	HeadersMax          = 64  // Headers of one frame, wanted headers of CONNECT.
	HeaderNameBytesMax  = 128
	HeaderValueBytesMax = 4 << 10
	HeaderBytesMax      = 16 << 10 // Names and values of one frame's headers together.
	CodecsMax           = 16
	JoinGroupsMax       = 1024 // Groups in one CONNECT; JOIN brings further ones.
	AckRangesMax        = 1024

	// InstantMaxMS is the last instant a frame can name, in milliseconds since
	// 1970: the end of the year 9999, up to where RFC 3339 reaches.
	InstantMaxMS = 253402300799999
)
