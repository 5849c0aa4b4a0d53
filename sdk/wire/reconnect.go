package wire

// ReconnectRule tells a device what to do after REJECT or CLOSE.
type ReconnectRule uint8

// The rules. The zero rule is the one that keeps devices reachable.
const (
	ReconnectYes       ReconnectRule = iota // By its own back-off.
	ReconnectNo                             // Not by itself: only when its user or new credentials ask for it.
	ReconnectAfter                          // By its own back-off, but not before a given time.
	ReconnectElsewhere                      // At another address, if one is given; else by its own back-off, resolving names anew.
)

var reconnectNames = []string{"yes", "no", "after", "elsewhere"}

// String returns the rule as the JSON form spells it.
func (r ReconnectRule) String() string {
	if int(r) >= len(reconnectNames) {
		return "unknown"
	}
	return reconnectNames[r]
}

// Reconnect is a rule with its argument.
type Reconnect struct {
	Rule    ReconnectRule
	AfterMS uint64 // ReconnectAfter: wait at least this long.
	Address string // ReconnectElsewhere: where to, a URL of at most AddressBytesMax bytes; "" if not known.
}
