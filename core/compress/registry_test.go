package compress

import "testing"

func TestNumbersAndNamesStayAsTheyAre(t *testing.T) {
	for n, name := range map[Number]string{0: "", 1: "snappy", 2: "zstd", 3: "", 255: ""} {
		if n.Name() != name {
			t.Errorf("number %d is %q, want %q", n, n.Name(), name)
		}
		c, ok := NewRegistry().Number(n)
		if ok != (name != "") {
			t.Errorf("number %d: codec %v", n, ok)
		}
		if ok && (c.Number() != n || c.Name() != name) {
			t.Errorf("number %d: codec %q, %d", n, c.Name(), c.Number())
		}
	}
}

func TestLookupKeepsOneCodecPerName(t *testing.T) {
	r := NewRegistry()
	a, _ := r.Lookup("zstd")
	b, _ := r.Number(Zstd)
	if a != b {
		t.Error("two codecs for one name in one loop")
	}
	for _, name := range []string{"", "none", "gzip", "ZSTD"} {
		if _, ok := r.Lookup(name); ok {
			t.Errorf("there is a codec %q", name)
		}
	}
}

func TestChooseTakesTheDevicesBestThatIsAllowed(t *testing.T) {
	both := []string{"snappy", "zstd"}
	cases := []struct {
		offered, allowed []string
		want             string
	}{
		{nil, both, ""},
		{both, nil, ""},
		{[]string{"zstd", "snappy"}, both, "zstd"},
		{[]string{"snappy", "zstd"}, []string{"zstd", "snappy"}, "snappy"},
		{[]string{"br", "zstd"}, both, "zstd"},
		{[]string{"zstd", "snappy"}, []string{"snappy"}, "snappy"},
		{[]string{"br", ""}, []string{"br", ""}, ""},
	}
	for _, c := range cases {
		if got := Choose(c.offered, c.allowed); got != c.want {
			t.Errorf("offered %v, allowed %v: %q, want %q", c.offered, c.allowed, got, c.want)
		}
	}
}
