package mqtt

import (
	"slices"

	"github.com/pushcore/pushcore/examples/plugins/mqtt/packet"
	"github.com/pushcore/pushcore/sdk/wire"
)

// reasonOf is the reason of MQTT 5 for a close code.
func reasonOf(code uint16) byte {
	if info, ok := wire.Code(code).Info(); ok {
		return info.MQTT
	}
	return packet.Unspecified
}

// Not every reason may stand in every packet.
var (
	pubackReasons = []byte{packet.Implementation, packet.NotAuthorized, packet.TopicInvalid, packet.QuotaExceeded}
	subackReasons = []byte{packet.Implementation, packet.NotAuthorized, packet.FilterInvalid, packet.QuotaExceeded}
)

func pubackReason(code uint16) byte { return oneOf(pubackReasons, reasonOf(code)) }
func subackReason(code uint16) byte { return oneOf(subackReasons, reasonOf(code)) }

func oneOf(allowed []byte, reason byte) byte {
	if slices.Contains(allowed, reason) {
		return reason
	}
	return packet.Unspecified
}

// returnCode is the return code of 3.1.1 for a refusal.
func returnCode(reason byte, code uint16) byte {
	switch {
	case reason == packet.InvalidClientID:
		return packet.ReturnClientID
	case wire.Code(code) == wire.CodeUnsupportedVersion:
		return packet.ReturnVersion
	case wire.Code(code) == wire.CodeUnauthorized, wire.Code(code) == wire.CodeTokenExpired:
		return packet.ReturnBadCredentials
	case wire.Code(code).Terminal():
		return packet.ReturnNotAuthorized
	}
	return packet.ReturnUnavailable
}
