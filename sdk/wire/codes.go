package wire

import "net/http"

// The codes of the registry. A number is never given a second meaning.
const (
	CodeGoingAway        Code = 4000
	CodeDraining         Code = 4001
	CodeNoAck            Code = 4002
	CodeSlow             Code = 4003
	CodeHeartbeatTimeout Code = 4004
	CodeOverloaded       Code = 4005
	CodeConnectTimeout   Code = 4006
	CodePluginRestart    Code = 4008
	CodeMoved            Code = 4009
	CodeTokenExpired     Code = 4010
	CodeAuthUnavailable  Code = 4011
	CodeInternal         Code = 4012
	CodeUnavailable      Code = 4013
	CodeRateExceeded     Code = 4014

	CodeProtocolError      Code = 4500
	CodeClaimsMismatch     Code = 4501
	CodeReplaced           Code = 4502
	CodeKicked             Code = 4503
	CodePlatformLimit      Code = 4504
	CodeUnauthorized       Code = 4505
	CodeBadRequest         Code = 4506
	CodeFrameTooLarge      Code = 4507
	CodeUnsupportedVersion Code = 4508
	CodeForbidden          Code = 4509
	CodeUserErased         Code = 4510
	CodeTakenOver          Code = 4511
	CodeNoRoute            Code = 4512
)

// Reason codes of MQTT 5 (OASIS standard, section 2.4) that the registry maps to.
const (
	mqttUnspecified        = 0x80
	mqttProtocolError      = 0x82
	mqttImplementation     = 0x83
	mqttUnsupportedVersion = 0x84
	mqttNotAuthorized      = 0x87
	mqttServerBusy         = 0x89
	mqttShuttingDown       = 0x8B
	mqttKeepAliveTimeout   = 0x8D
	mqttTakenOver          = 0x8E
	mqttPacketTooLarge     = 0x95
	mqttQuotaExceeded      = 0x97
	mqttAdministrative     = 0x98
	mqttUseAnotherServer   = 0x9C
)

// codes is the registry, in the order of the codes. The table in docs/wire.md
// is compared with it by a test.
//
// What decides the band: would the same device, unchanged, be let in a moment
// later? Then its user is better off if it tries again. If it would be refused
// again, or would throw somebody out who would then do the same to it, it must
// not.
var codes = []CodeInfo{
	{CodeGoingAway, "going_away", ReconnectYes, InClose, mqttShuttingDown, 0,
		"The node stops or restarts."},
	{CodeDraining, "draining", ReconnectElsewhere, InReject | InClose, mqttUseAnotherServer, http.StatusServiceUnavailable,
		"The node takes no new sessions, another one does."},
	{CodeNoAck, "no_ack", ReconnectYes, InClose, mqttUnspecified, 0,
		"A message was sent as often as allowed without an ack; it waits for the next connection."},
	{CodeSlow, "slow", ReconnectAfter, InClose, mqttQuotaExceeded, 0,
		"The device reads more slowly than it is sent to, and the policy is to close."},
	{CodeHeartbeatTimeout, "heartbeat_timeout", ReconnectYes, InClose, mqttKeepAliveTimeout, 0,
		"Nothing came from the device for one and a half heartbeats."},
	{CodeOverloaded, "overloaded", ReconnectAfter, InReject | InClose | InResult, mqttServerBusy, http.StatusServiceUnavailable,
		"The node has reached a bound and takes this later."},
	{CodeConnectTimeout, "connect_timeout", ReconnectYes, InReject, mqttUnspecified, http.StatusRequestTimeout,
		"No complete CONNECT came in time."},
	{CodePluginRestart, "plugin_restart", ReconnectYes, InClose, mqttShuttingDown, 0,
		"The transport restarts; sessions are kept."},
	{CodeMoved, "moved", ReconnectElsewhere, InClose, mqttUseAnotherServer, 0,
		"The device did not follow a MOVE in time."},
	{CodeTokenExpired, "token_expired", ReconnectYes, InReject | InClose | InResult, mqttNotAuthorized, http.StatusUnauthorized,
		"The credentials have expired; come back with new ones, not with these."},
	{CodeAuthUnavailable, "auth_unavailable", ReconnectAfter, InReject | InResult, mqttServerBusy, http.StatusServiceUnavailable,
		"Whoever checks the credentials does not answer."},
	{CodeInternal, "internal", ReconnectAfter, InReject | InClose | InResult, mqttUnspecified, http.StatusInternalServerError,
		"The node failed; its log says how."},
	{CodeUnavailable, "unavailable", ReconnectAfter, InResult, mqttUnspecified, http.StatusServiceUnavailable,
		"What the request needs is away for now, such as the broker that takes uplinks."},
	{CodeRateExceeded, "rate_exceeded", ReconnectAfter, InReject | InClose | InResult, mqttQuotaExceeded, http.StatusTooManyRequests,
		"The device sends or connects more often than allowed."},

	{CodeProtocolError, "protocol_error", ReconnectNo, InReject | InClose, mqttProtocolError, http.StatusBadRequest,
		"A frame could not be read or came where it is not allowed."},
	{CodeClaimsMismatch, "claims_mismatch", ReconnectNo, InReject | InResult, mqttNotAuthorized, http.StatusForbidden,
		"The user, device or platform in CONNECT is not the one of the credentials, or new credentials are another user's."},
	{CodeReplaced, "replaced", ReconnectNo, InClose, mqttTakenOver, 0,
		"The same user and device logged in anew, without the session's token."},
	{CodeKicked, "kicked", ReconnectNo, InClose, mqttAdministrative, 0,
		"The backend or an operator ended the session."},
	{CodePlatformLimit, "platform_limit", ReconnectNo, InReject | InClose, mqttQuotaExceeded, http.StatusConflict,
		"The user has as many sessions on this platform as allowed, and this one loses."},
	{CodeUnauthorized, "unauthorized", ReconnectNo, InReject | InClose | InResult, mqttNotAuthorized, http.StatusUnauthorized,
		"The credentials are missing, not valid or no longer accepted."},
	{CodeBadRequest, "bad_request", ReconnectNo, InReject | InResult, mqttImplementation, http.StatusBadRequest,
		"The frame could be read, but a value in it cannot be used; the text says which."},
	{CodeFrameTooLarge, "frame_too_large", ReconnectNo, InReject | InClose | InResult, mqttPacketTooLarge, http.StatusRequestEntityTooLarge,
		"A frame or payload is longer than allowed."},
	{CodeUnsupportedVersion, "unsupported_version", ReconnectNo, InReject, mqttUnsupportedVersion, http.StatusBadRequest,
		"The node does not speak this version of the protocol."},
	{CodeForbidden, "forbidden", ReconnectNo, InReject | InResult, mqttNotAuthorized, http.StatusForbidden,
		"The credentials are good, but not for this: a group that devices may not join, a user that is shut out."},
	{CodeUserErased, "user_erased", ReconnectNo, InClose, mqttAdministrative, 0,
		"The user and all that was kept for him were erased."},
	{CodeTakenOver, "taken_over", ReconnectNo, InClose, mqttTakenOver, 0,
		"The session goes on over another connection, which showed its token."},
	{CodeNoRoute, "no_route", ReconnectNo, InResult, mqttImplementation, http.StatusNotFound,
		"The node has nowhere to bring what devices send."},
}
