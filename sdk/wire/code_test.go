package wire

import (
	"slices"
	"strings"
	"testing"
)

func TestRegistryIsInOrderWithoutRepeats(t *testing.T) {
	names := map[string]bool{}
	for i, info := range codes {
		if i > 0 && codes[i-1].Code >= info.Code {
			t.Errorf("%d stands behind %d", info.Code, codes[i-1].Code)
		}
		if names[info.Name] {
			t.Errorf("%s occurs twice", info.Name)
		}
		names[info.Name] = true
	}
}

func TestRegistryRulesAgreeWithTheBands(t *testing.T) {
	for _, info := range codes {
		if !info.Code.Valid() {
			t.Errorf("%d lies outside the bands", info.Code)
		}
		if terminal := info.Reconnect == ReconnectNo; terminal != info.Code.Terminal() {
			t.Errorf("%d %s: rule %s does not suit its band", info.Code, info.Name, info.Reconnect)
		}
		if info.Uses == 0 {
			t.Errorf("%d %s occurs nowhere", info.Code, info.Name)
		}
		if !strings.HasSuffix(info.Meaning, ".") || strings.Count(info.Meaning, ". ") > 0 {
			t.Errorf("%d %s: its meaning is not one sentence", info.Code, info.Name)
		}
	}
}

// MQTT 5 allows each reason code in some packets only (section 2.4): a code
// that refuses connections must be good for CONNACK, one that closes for
// DISCONNECT, one that only answers for PUBACK.
func TestRegistryMapsToReasonsThatMQTTAllows(t *testing.T) {
	connack := []byte{0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F}
	disconnect := []byte{0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2}
	puback := []byte{0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}
	for _, info := range codes {
		if info.Uses == InResult && !slices.Contains(puback, info.MQTT) {
			t.Errorf("%d %s: %#x is no reason of PUBACK", info.Code, info.Name, info.MQTT)
		}
		if info.Uses&InReject != 0 && !slices.Contains(connack, info.MQTT) {
			t.Errorf("%d %s: %#x is no reason of CONNACK", info.Code, info.Name, info.MQTT)
		}
		if info.Uses&InClose != 0 && !slices.Contains(disconnect, info.MQTT) {
			t.Errorf("%d %s: %#x is no reason of DISCONNECT", info.Code, info.Name, info.MQTT)
		}
	}
}

func TestEveryCodeThatRefusesHasAnHTTPStatus(t *testing.T) {
	for _, info := range codes {
		refuses := info.Uses&(InReject|InResult) != 0
		if refuses != (info.HTTP >= 400 && info.HTTP < 600) {
			t.Errorf("%d %s: HTTP status %d", info.Code, info.Name, info.HTTP)
		}
	}
}

func TestUnknownCodesFollowTheirBand(t *testing.T) {
	tests := []struct {
		code            Code
		valid, terminal bool
	}{
		{0, false, false}, {1000, false, false}, {3999, false, false},
		{4007, true, false}, {4499, true, false}, {4998, true, true}, {4999, true, true},
		{5000, false, false}, {65535, false, false},
	}
	for _, test := range tests {
		if test.code.Valid() != test.valid || test.code.Terminal() != test.terminal {
			t.Errorf("%d: valid %v, terminal %v", test.code, test.code.Valid(), test.code.Terminal())
		}
		if _, known := test.code.Info(); known || test.code.String() != "unknown" {
			t.Errorf("%d is known as %s", test.code, test.code)
		}
	}
}

func TestCodesReturnsACopy(t *testing.T) {
	Codes()[0].Name = "changed"
	if CodeGoingAway.String() != "going_away" {
		t.Error("the registry can be changed from outside")
	}
}
