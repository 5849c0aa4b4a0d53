package wire

import (
	"slices"
	"strings"
)

// AddressesMax is the most addresses that one record may name in one header,
// repeated or not, before repeats are removed.
const AddressesMax = 10_000

// ParseList parses a comma-separated list of addresses, in which spaces and
// tabs around an address do not count. A list of nothing is empty: whether
// that will do is the caller's to say. Errors are *AddressError, Position
// counting from 1. Repeats are kept, see Distinct.
func ParseList(list string) ([]Address, error) {
	return AppendList(nil, list)
}

// AppendList appends the addresses of a further list, as a repeated header or
// an array of values has them. AddressesMax bounds the sum, and positions in
// errors count from dst's beginning. After an error the result is dst.
func AppendList(dst []Address, list string) ([]Address, error) {
	if strings.Trim(list, " \t") == "" {
		return dst, nil
	}
	count := strings.Count(list, ",") + 1
	if len(dst)+count > AddressesMax {
		first, _, _ := strings.Cut(list, ",")
		return dst, &AddressError{Position: len(dst) + 1, Text: strings.Trim(first, " \t"), Fault: TooManyAddresses}
	}
	all := slices.Grow(dst, count)
	for item := range strings.SplitSeq(list, ",") {
		a, err := parseItem(strings.Trim(item, " \t"), len(all)+1)
		if err != nil {
			return dst, err
		}
		all = append(all, a)
	}
	return all, nil
}

// Distinct removes repeats in place and returns the shortened list, in the
// order of first occurrence.
func Distinct(list []Address) []Address {
	const few = 16 // Up to here comparing all pairs is cheaper than a map.
	kept := list[:0]
	if len(list) <= few {
		for _, a := range list {
			if !slices.Contains(kept, a) {
				kept = append(kept, a)
			}
		}
		return kept
	}
	seen := make(map[Address]struct{}, len(list))
	for _, a := range list {
		if _, repeat := seen[a]; !repeat {
			seen[a] = struct{}{}
			kept = append(kept, a)
		}
	}
	return kept
}
