package packet

// Reason codes of MQTT 5 (OASIS standard, section 2.4).
const (
	Success                byte = 0x00
	DisconnectWithWill     byte = 0x04
	Unspecified            byte = 0x80
	Malformed              byte = 0x81
	ProtocolError          byte = 0x82
	Implementation         byte = 0x83
	UnsupportedVersion     byte = 0x84
	InvalidClientID        byte = 0x85
	NotAuthorized          byte = 0x87
	BadMethod              byte = 0x8C
	FilterInvalid          byte = 0x8F
	TopicInvalid           byte = 0x90
	PacketTooLarge         byte = 0x95
	QuotaExceeded          byte = 0x97
	QoSNotSupported        byte = 0x9B
	UseAnotherServer       byte = 0x9C
	SharedNotSupported     byte = 0x9E
	IDsNotSupported        byte = 0xA1
	WildcardsNotSupported  byte = 0xA2
	SubscribeFailed        byte = 0x80 // of 3.1.1
	ReturnVersion          byte = 1    // return codes of 3.1.1's CONNACK
	ReturnClientID         byte = 2
	ReturnUnavailable      byte = 3
	ReturnBadCredentials   byte = 4
	ReturnNotAuthorized    byte = 5
	sessionPresent         byte = 1
	connectCleanStart      byte = 1 << 1
	connectWill            byte = 1 << 2
	connectWillRetain      byte = 1 << 5
	connectPassword        byte = 1 << 6
	connectUsername        byte = 1 << 7
	publishRetain          byte = 1
	publishDup             byte = 1 << 3
	subscribeReservedSince byte = 1 << 6
)
