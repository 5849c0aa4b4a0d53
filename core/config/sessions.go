package config

import "time"

// Sessions is the section `sessions`.
type Sessions struct {
	// How long a session waits for its device after its connection ended. A
	// device that comes back in time goes on where it was; later its session is
	// gone, and unacked messages wait as for any absent user.
	ResumeWindow Duration `key:"resume_window" min:"0" max:"24h"`
	// How long plugins in processes of their own hold their connections when the
	// core has gone, and how long a core that starts waits for them. Plugins that
	// run in the core end with it.
	CoreGrace Duration `key:"core_grace" min:"0" max:"10m"`
	// How often a device says something at least. One that is silent for one
	// and a half times as long is taken for gone. Longer saves batteries;
	// proxies and mobile networks drop what is silent for about a minute.
	Heartbeat Duration `key:"heartbeat" min:"1s" max:"1h"`
	// How many sessions a user may have at once on a platform, and who wins
	// beyond that. The loser is closed with 4504 and does not come back by
	// itself. `*` is for platforms that are not named; without it they have no
	// bound of their own.
	//
	//	platforms:
	//	  phone: { max: 1, wins: newest }
	//	  "*": { max: 5 }
	Platforms map[string]Platform `key:"platforms"`
}

// Platform is the policy for one platform.
type Platform struct {
	// The sessions that one user may have at once.
	Max int `key:"max" min:"1" max:"10000"`
	// Who stays when one more logs in: the newest or the oldest.
	Wins string `key:"wins" oneof:"newest oldest"`
}

// otherPlatforms is the key for platforms that are not named.
const otherPlatforms = "*"

func (s *Sessions) setDefaults() {
	s.ResumeWindow = Duration(60 * time.Second)
	s.CoreGrace = Duration(30 * time.Second)
	s.Heartbeat = Duration(45 * time.Second)
}

func (p *Platform) setDefaults() {
	p.Max = 1
	p.Wins = "newest"
}

// Platform is the policy for a platform, by its name or as one of those that are
// not named; ok is false if there is none.
func (s *Sessions) Platform(name string) (policy Platform, ok bool) {
	if policy, ok = s.Platforms[name]; !ok {
		policy, ok = s.Platforms[otherPlatforms]
	}
	return policy, ok
}

func (s *Sessions) validate(at place) {
	for name := range s.Platforms {
		if name == "" || len(name) > idBytesMax {
			at.key("platforms").key(name).fail("the name of a platform has 1 to %d bytes", idBytesMax)
		}
	}
}
