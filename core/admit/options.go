package admit

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pushcore/pushcore/core/config/scalar"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/nearest"
	"github.com/pushcore/pushcore/sdk/wire"
)

// Bounds of what options may hold.
const (
	ttlBytesMax      = 32
	ttlMax           = 3650 * scalar.Day
	collapseBytesMax = 128
	platformBytesMax = 64
	platformsMax     = 64
)

// option is one thing that a record may say: header push-NAME, JSON key NAME.
type option uint8

const (
	optTo option = iota
	optExcept
	optPlatform
	optClass
	optID
	optName
	optTTL
	optCollapse
	optAck
	optReceipt
	optOp
	optGroup
	numOptions
)

const headerPrefix = "push-"

var headerNames = [numOptions]string{
	"push-to", "push-except", "push-platform", "push-class", "push-id", "push-name", "push-ttl",
	"push-collapse", "push-ack", "push-receipt", "push-op", "push-group",
}

// field is the option's name as the record spells it.
func (o option) field(json bool) string {
	if json {
		return headerNames[o][len(headerPrefix):]
	}
	return headerNames[o]
}

// optionNamed finds an option by its name without the prefix.
func optionNamed(name string) (option, bool) {
	for o, header := range headerNames {
		if header[len(headerPrefix):] == name {
			return option(o), true
		}
	}
	return numOptions, false
}

// options collects what a record says, in whichever form. The lists are parsed
// as they come; the rest are views of the record.
type options struct {
	json      bool // errors name keys, not headers
	set       uint16
	values    [numOptions][]byte // of those that are not lists
	to        []wire.Address
	except    []wire.Address
	platforms []string
}

func (o *options) has(opt option) bool { return o.set&(1<<opt) != 0 }

// readHeaders takes the push-* headers. Their names are compared without regard
// to case, as HTTP does.
func (o *options) readHeaders(headers []sdk.Header) *Error {
	for i := range headers {
		name := headers[i].Name
		if len(name) < len(headerPrefix) || !strings.EqualFold(name[:len(headerPrefix)], headerPrefix) {
			continue
		}
		opt, known := optionNamed(name[len(headerPrefix):])
		if !known {
			if opt, known = optionNamed(strings.ToLower(name[len(headerPrefix):])); !known {
				return unknownHeader(name)
			}
		}
		if err := o.add(opt, headers[i].Value, headerNames[opt]); err != nil {
			return err
		}
	}
	return nil
}

func unknownHeader(name string) *Error {
	lower := strings.ToLower(name)
	switch {
	case lower == "push-tenant":
		return badRecord(name, "is reserved and not in this version")
	case strings.HasPrefix(lower, deadPrefix):
		return badRecord(name, "marks a dead letter; `pushcore dead replay` takes such headers off")
	}
	return &Error{Reason: envelope.BadRecord, Field: name, Detail: "is not a header of a record", Nearest: nearest.Name(lower, headerNames[:])}
}

// add takes one value of an option: lists are united, of the rest there is one.
func (o *options) add(opt option, value []byte, field string) *Error {
	var err error
	switch opt {
	case optTo:
		o.to, err = wire.AppendList(o.to, string(value))
	case optExcept:
		o.except, err = wire.AppendList(o.except, string(value))
	case optPlatform:
		o.set |= 1 << opt
		return o.addPlatforms(string(value), field)
	default:
		if o.has(opt) {
			return badRecord(field, "stands more than once")
		}
		o.values[opt] = value
	}
	o.set |= 1 << opt
	if err != nil {
		return addressError(field, err)
	}
	return nil
}

func (o *options) addPlatforms(list, field string) *Error {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.Trim(name, " \t")
		switch {
		case name == "":
			// A filter that was computed and came out empty must not mean everybody.
			return badRecord(field, "has an empty name; leave it out to mean all platforms")
		case len(name) > platformBytesMax || !validText([]byte(name)):
			return badRecord(field, fmt.Sprintf("%.64q is not a platform's name", name))
		case len(o.platforms) == platformsMax:
			return badRecord(field, fmt.Sprintf("names more than %d platforms", platformsMax))
		}
		o.platforms = append(o.platforms, name)
	}
	return nil
}

// checkText checks a scalar that is kept as it is.
func (o *options) checkText(opt option, bytesMax int) *Error {
	value := o.values[opt]
	switch {
	case !o.has(opt):
		return nil
	case len(value) == 0:
		return badRecord(opt.field(o.json), "is empty; leave it out")
	case len(value) > bytesMax:
		return badRecord(opt.field(o.json), fmt.Sprintf("has %d bytes, at most %d are allowed", len(value), bytesMax))
	case !validText(value):
		return badRecord(opt.field(o.json), "is not UTF-8 without control characters")
	}
	return nil
}

// onlyWith complains of the first option that is set and not in allowed.
func (o *options) onlyWith(op string, allowed ...option) *Error {
	rest := o.set &^ (1 << optOp)
	for _, opt := range allowed {
		rest &^= 1 << opt
	}
	if rest == 0 {
		return nil
	}
	opt := option(bits.TrailingZeros16(rest))
	return badRecord(opt.field(o.json), "has no meaning with "+optOp.field(o.json)+" "+op)
}

func (o *options) noChoice(opt option, choices ...string) *Error {
	value := string(o.values[opt])
	return &Error{Reason: envelope.BadRecord, Field: opt.field(o.json), Nearest: nearest.Name(value, choices),
		Detail: fmt.Sprintf("%.64q is not one of %s", value, strings.Join(choices, ", "))}
}

// parseTTL reads a duration of bounded length, so that an instant of expiry is one
// that any store can hold.
func parseTTL(value []byte) (time.Duration, error) {
	if len(value) > ttlBytesMax {
		return 0, fmt.Errorf("%.32q… is no duration", value)
	}
	d, err := scalar.ParseDuration(string(value))
	if err == nil && d.Std() > ttlMax {
		err = fmt.Errorf("%s is too long: at most %s", value, scalar.Duration(ttlMax))
	}
	return d.Std(), err
}

func validText(b []byte) bool {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size <= 1 || unicode.IsControl(r) {
			return false
		}
		i += size
	}
	return true
}
