package mqtt

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"

	"github.com/pushcore/pushcore/sdk"
)

// options are what the config says under `config`.
type options struct {
	Listen []string // IP:PORT
}

const schema = `{"type":"object","additionalProperties":false,"required":["listen"],"properties":{
	"listen":{"description":"IP:PORT, or a list of them","oneOf":[{"type":"string"},{"type":"array","minItems":1,"items":{"type":"string"}}]}}}`

func parseOptions(raw []byte) (options, []sdk.OptionError) {
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) != nil || keys == nil {
		return options{}, []sdk.OptionError{{Message: "the options are an object"}}
	}
	var faults []sdk.OptionError
	for key := range keys {
		if key != "listen" {
			faults = append(faults, sdk.OptionError{Pointer: "/" + key, Message: "unknown key; there is only listen"})
		}
	}
	slices.SortFunc(faults, func(a, b sdk.OptionError) int { return bytes.Compare([]byte(a.Pointer), []byte(b.Pointer)) })
	listen, listenFaults := parseListen(keys["listen"])
	return options{Listen: listen}, append(faults, listenFaults...)
}

// parseListen takes an address or a list of them.
func parseListen(raw json.RawMessage) (list []string, faults []sdk.OptionError) {
	var one string
	single := json.Unmarshal(raw, &one) == nil
	if single {
		list = []string{one}
	} else if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil, []sdk.OptionError{{Pointer: "/listen", Message: "is an address to listen on, such as 127.0.0.1:1883, or a list of them"}}
	}
	for i, address := range list {
		if _, err := netip.ParseAddrPort(address); err == nil {
			continue
		}
		pointer := "/listen"
		if !single {
			pointer += "/" + strconv.Itoa(i)
		}
		faults = append(faults, sdk.OptionError{Pointer: pointer, Message: "an address to listen on is IP:PORT, such as 127.0.0.1:1883"})
	}
	return list, faults
}

func newNonce() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // It does not fail.
	return binary.BigEndian.Uint64(b[:])
}
