package compress

import "slices"

// Choose returns the name of the codec for a session: of those the device
// offers, best first, the first that is allowed and known here. It is empty,
// which stands for no compression, if there is none.
func Choose(offered, allowed []string) string {
	for _, name := range offered {
		if numberOf(name) != None && slices.Contains(allowed, name) {
			return name
		}
	}
	return ""
}
