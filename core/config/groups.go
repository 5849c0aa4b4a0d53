package config

import (
	"strings"
	"time"
)

// Group is one rule of `groups`.
type Group struct {
	// The names of the groups it is for; `*` stands for any characters:
	// `chat.*`, `*.eu`, `*`.
	Match string `key:"match" need:"yes"`
	// How sessions get into the group: backend only as the backend's member
	// users; claims also by their credentials; device also by a device's own
	// JOIN, which lets every device into every group that the rule is for.
	Join string `key:"join" oneof:"device claims backend"`
	// The member users of one group at most. A join beyond it is refused.
	MembersMax int `key:"members_max" min:"1" max:"10000000"`
	// What is kept of the group for sessions that come back: they get what they
	// missed, by position, before anything new, or are told that there is a gap.
	// Without it nothing is kept.
	History *History `key:"history"`
}

// History is `history` of a rule.
type History struct {
	// The newest messages of one group that are kept. Each is kept whole, beside
	// what waits for the group's members.
	Count int `key:"count" min:"1" max:"1000000"`
	// How long a message is kept, from its acceptance, however few there are.
	Age Duration `key:"age" min:"1s" max:"3650d"`
}

func (h *History) setDefaults() {
	h.Count = 100
	h.Age = Duration(24 * time.Hour)
}

func (g *Group) setDefaults() {
	g.Join = "claims"
	g.MembersMax = 10000
}

// Group is the rule for a group: the first that fits its name, else the
// defaults.
func (c *Config) Group(name string) Group {
	for i := range c.Groups {
		if matches(c.Groups[i].Match, name) {
			return c.Groups[i]
		}
	}
	rule := Group{Match: "*"}
	rule.setDefaults()
	return rule
}

// matches says whether name fits pattern, in which `*` stands for any bytes.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = after
	}
	return true
}
