package group_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushcore/pushcore/core/group"
	"github.com/pushcore/pushcore/core/session"
)

// TestAudienceIsWhatWasAddedAndNotRemoved plays random joins and leaves over several
// groups, whose places are swapped about in both lists, against plain sets.
func TestAudienceIsWhatWasAddedAndNotRemoved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var groups []*group.Group
		var users []*session.User
		var sessions []*session.Session
		for i := range 3 {
			groups = append(groups, &group.Group{Name: fmt.Sprint("g", i)})
		}
		for i := range 4 {
			users = append(users, &session.User{ID: fmt.Sprint("u", i)})
			sessions = append(sessions, &session.Session{ID: fmt.Sprint("s", i)})
		}
		members, joined := map[[2]int]bool{}, map[[2]int]bool{}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			at := [2]int{rapid.IntRange(0, 2).Draw(t, "group"), rapid.IntRange(0, 3).Draw(t, "who")}
			g, u, s := groups[at[0]], users[at[1]], sessions[at[1]]
			var did, expected bool
			switch rapid.SampledFrom([]string{"add user", "remove user", "add session", "remove session"}).Draw(t, "what") {
			case "add user":
				did, expected = g.AddUser(u), !members[at]
				members[at] = true
			case "remove user":
				did, expected = g.RemoveUser(u), members[at]
				delete(members, at)
			case "add session":
				did, expected = g.AddSession(s, false), !joined[at]
				joined[at] = true
			case "remove session":
				did, expected = g.RemoveSession(s), joined[at]
				delete(joined, at)
			}
			if did != expected {
				t.Fatalf("done %v, expected %v", did, expected)
			}
			for i, g := range groups {
				checkGroup(t, i, g, users, sessions, members, joined)
			}
		}
	})
}

func checkGroup(t *rapid.T, i int, g *group.Group, users []*session.User, sessions []*session.Session, members, joined map[[2]int]bool) {
	var wantUsers, wantSessions int
	for j := range users {
		if members[[2]int{i, j}] {
			wantUsers++
		}
		if joined[[2]int{i, j}] {
			wantSessions++
		}
		if g.HasUser(users[j]) != members[[2]int{i, j}] || g.HasSession(sessions[j]) != joined[[2]int{i, j}] {
			t.Fatalf("%s is wrong about %d", g.Name, j)
		}
	}
	if g.Members() != wantUsers || g.Joined() != wantSessions || g.Empty() != (wantUsers+wantSessions == 0) {
		t.Fatalf("%s counts %d and %d, expected %d and %d", g.Name, g.Members(), g.Joined(), wantUsers, wantSessions)
	}
	for k := range g.Members() {
		if u := g.User(k); !members[[2]int{i, slices.Index(users, u)}] || u.Members[slices.IndexFunc(u.Members, func(m session.Membership) bool { return m.Group == any(g) })].At != k {
			t.Fatalf("%s has %s in the wrong place", g.Name, u.ID)
		}
	}
	for k := range g.Joined() {
		if s := g.Session(k); s.Joined[slices.IndexFunc(s.Joined, func(m session.Membership) bool { return m.Group == any(g) })].At != k {
			t.Fatalf("%s has %s in the wrong place", g.Name, s.ID)
		}
	}
}
