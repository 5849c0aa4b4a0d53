package session

// Membership is one of a user's or session's places in groups: the group, by the
// shard's index of it, and the place in the group's list, so that leaving takes
// constant time.
type Membership struct {
	Group   any // *group.Group; this package is below it
	At      int
	Claimed bool // a session's, by its credentials
}

// Memberships are all of them.
type Memberships []Membership
