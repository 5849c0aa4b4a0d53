package nearest

import (
	"strings"
	"testing"
)

func TestNameFindsTyposOnly(t *testing.T) {
	headers := []string{"push-to", "push-except", "push-ttl", "push-class", "push-collapse", "push-id"}
	kinds := []string{"user", "group", "device", "all"}
	keys := []string{"node", "auth", "store", "store_after", "resume_window", "listen"}
	tests := []struct {
		got   string
		known []string
		want  string
	}{
		{"push-clas", headers, "push-class"},
		{"push-calss", headers, "push-class"},
		{"push_ttl", headers, "push-ttl"},
		{"Push-To", headers, "push-to"},
		{"push-exept", headers, "push-except"},
		{"push-ttll", headers, "push-ttl"},
		{"push-ttl", headers, "push-ttl"},
		{"usr", kinds, "user"},
		{"USER", kinds, "user"},
		{"users", kinds, "user"},
		{"gruop", kinds, "group"},
		{"al", kinds, "all"},
		{"ALL", kinds, "all"},
		{"topic", kinds, ""},
		{"room", kinds, ""},
		{"", kinds, ""},
		{"u", kinds, ""},
		{"gr", kinds, ""},
		{"resumewindow", keys, "resume_window"},
		{"liten", keys, "listen"},
		{"storeafter", keys, "store_after"},
		{"completely-different", headers, ""},
		{"x", nil, ""},
		{"x", []string{""}, ""},
		{strings.Repeat("a", 1<<20), []string{strings.Repeat("a", 60)}, ""},
		{strings.Repeat("a", 64), []string{strings.Repeat("a", 60)}, strings.Repeat("a", 60)},
	}
	for _, test := range tests {
		if got := Name(test.got, test.known); got != test.want {
			t.Errorf("Name(%.20q) = %q, want %q", test.got, got, test.want)
		}
	}
}

func TestNameAtEqualDistanceIsTheFirst(t *testing.T) {
	if got := Name("bat_x", []string{"bat-a", "bat-b"}); got != "bat-a" {
		t.Errorf("got %q, want bat-a", got)
	}
}

func TestNameDoesNotAllocate(t *testing.T) {
	known := []string{"push-to", "push-except", "push-collapse"}
	if n := testing.AllocsPerRun(100, func() { Name("push-colapse", known) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzName(f *testing.F) {
	f.Add("push-calss", "push-class")
	f.Add("", "a")
	f.Fuzz(func(t *testing.T, got, name string) {
		if near := Name(got, []string{name}); near != "" && near != name {
			t.Fatalf("Name(%q, [%q]) = %q", got, name, near)
		}
		if len(got) <= lengthMax && len(name) <= lengthMax && distance(got, name) != distance(name, got) {
			t.Fatalf("distance of %q and %q is not symmetric", got, name)
		}
	})
}
