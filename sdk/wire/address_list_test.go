package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func user(id string) Address { return Address{Kind: User, ID: id} }

func TestParseListKeepsOrderAndRepeats(t *testing.T) {
	tests := []struct {
		list string
		want []Address
	}{
		{"", nil},
		{" \t ", nil},
		{"user:a", []Address{user("a")}},
		{"user:a,user:b", []Address{user("a"), user("b")}},
		{" user:a ,\tall ,user:a", []Address{user("a"), {Kind: All}, user("a")}},
		{"user:a%2Cb,group:g", []Address{user("a,b"), {Kind: Group, ID: "g"}}},
		{"user:%20a%20", []Address{user(" a ")}},
	}
	for _, test := range tests {
		got, err := ParseList(test.list)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q: got %v, %v", test.list, got, err)
		}
	}
}

func TestParseListSaysWhichAddressIsWrong(t *testing.T) {
	tests := []struct {
		list     string
		position int
		fault    AddressFault
	}{
		{"user:a,group:", 2, EmptyID},
		{"user:a,", 2, EmptyAddress},
		{",user:a", 1, EmptyAddress},
		{"user:a, ,user:b", 2, EmptyAddress},
		{"user:a,user:b,topic:c", 3, UnknownKind},
		{"user:a b", 1, RawSpace},
	}
	for _, test := range tests {
		got, err := ParseList(test.list)
		var failed *AddressError
		if !errors.As(err, &failed) || failed.Position != test.position || failed.Fault != test.fault {
			t.Errorf("%q: got error %v", test.list, err)
		}
		if len(got) != 0 {
			t.Errorf("%q: an error together with %v", test.list, got)
		}
	}
}

func TestAppendListIsTheUnionOfRepeatedHeaders(t *testing.T) {
	list, err := ParseList("user:a,user:b")
	if err != nil {
		t.Fatal(err)
	}
	if list, err = AppendList(list, "user:c"); err != nil || len(list) != 3 || list[2] != user("c") {
		t.Fatalf("got %v, %v", list, err)
	}
	after, err := AppendList(list, "user:d,usr:e")
	var failed *AddressError
	if !errors.As(err, &failed) || failed.Position != 5 {
		t.Errorf("got error %v, want position 5", err)
	}
	if !slices.Equal(after, list) {
		t.Errorf("after an error the list is %v, want it unchanged", after)
	}
}

func TestListsAreBounded(t *testing.T) {
	full := strings.Repeat("user:a,", AddressesMax-1) + "user:a"
	list, err := ParseList(full)
	if err != nil || len(list) != AddressesMax {
		t.Fatalf("got %d addresses, %v", len(list), err)
	}
	if _, err := ParseList(full + ",user:b"); !errors.Is(err, TooManyAddresses) {
		t.Errorf("one list: got %v", err)
	}
	if got, err := AppendList(list, "user:b"); !errors.Is(err, TooManyAddresses) || len(got) != AddressesMax {
		t.Errorf("two lists: got %d addresses, %v", len(got), err)
	}
	commas := strings.Repeat(",", 1<<20)
	if n := testing.AllocsPerRun(1, func() { _, _ = ParseList(commas) }); n > 2 {
		t.Errorf("a list of a million commas costs %v allocations", n)
	}
}

func TestDistinctKeepsFirstOccurrences(t *testing.T) {
	for _, users := range []int{1, 5, 16, 100} {
		var list, want []Address
		for i := range 3 * users {
			list = append(list, user(fmt.Sprint(i%users)))
		}
		want = append(want, list[:users]...)
		if got := Distinct(list); !slices.Equal(got, want) {
			t.Errorf("%d users: got %v", users, got)
		}
	}
	if got := Distinct(nil); len(got) != 0 {
		t.Errorf("nil: got %v", got)
	}
}

func BenchmarkParseList(b *testing.B) {
	list := strings.Repeat("user:0123456789,", 99) + "user:0123456789"
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ParseList(list)
	}
}
