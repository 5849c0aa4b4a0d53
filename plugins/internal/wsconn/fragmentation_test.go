package wsconn

import (
	"strings"
	"testing"
)

// Autobahn 5: fragmentation.
func TestFragmentation(t *testing.T) {
	hello := []string{`text "Hello"`}
	with := func(want ...string) []string { return want }
	runProtocolCases(t, []protocolCase{
		{"5.1 fragmented ping", []frame{{opcode: 9, more: true, payload: "a"}, last("b")}, with("error 1002")},
		{"5.2 fragmented pong", []frame{{opcode: 10, more: true, payload: "a"}, last("b")}, with("error 1002")},
		{"fragmented close", []frame{{opcode: 8, more: true, payload: "\x03\xe8"}}, with("error 1002")},
		{"5.3 two fragments", []frame{first("Hel"), last("lo")}, hello},
		{"two binary fragments", []frame{{opcode: 2, more: true, payload: "\xff"}, last("\xfe")}, with(`binary "\xff\xfe"`)},
		{"5.6 ping between fragments", []frame{first("Hel"), ping("p"), last("lo")}, with(`ping "p"`, hello[0])},
		{"pong between fragments", []frame{first("Hel"), pong("p"), last("lo")}, with(`pong "p"`, hello[0])},
		{"longest ping between fragments", []frame{first("Hel"), ping(strings.Repeat("p", 125)), last("lo")},
			append(shows(ping(strings.Repeat("p", 125))), hello...)},
		{"5.9 continuation of nothing", []frame{last("non-continuation"), text("Hello")}, with("error 1002")},
		{"5.11 the same after a message", []frame{text("Hello"), last("x")}, with(hello[0], "error 1002")},
		{"5.12 unfinished continuation of nothing", []frame{middle("x"), text("Hello")}, with("error 1002")},
		{"5.15 continuation behind the last", []frame{first("Hel"), last("lo"), middle("x"), text("y")}, with(hello[0], "error 1002")},
		{"5.18 text inside a text", []frame{first("Hel"), text("lo")}, with("error 1002")},
		{"fragmented text inside a text", []frame{first("Hel"), first("lo")}, with("error 1002")},
		{"binary inside a text", []frame{first("Hel"), binaryOf("lo")}, with("error 1002")},
		{"5.19 five fragments and pings", []frame{
			first("1"), middle("2"), ping("p1"), middle("3"), middle("4"), ping("p2"), last("5"),
		}, with(`ping "p1"`, `ping "p2"`, `text "12345"`)},
		{"empty fragments", []frame{first(""), middle(""), middle("Hello"), middle(""), last("")}, hello},
		{"nothing but empty fragments", []frame{first(""), middle(""), last("")}, with(`text ""`)},
		{"message after a fragmented one", []frame{first("Hel"), last("lo"), binaryOf("x"), first("Hel"), last("lo")},
			with(hello[0], `binary "x"`, hello[0])},
	})
}

func TestManySmallFragmentsAreNotCopiedEachTime(t *testing.T) {
	const fragments = 1 << 14
	input := stream(first("x"))
	input = append(input, strings.Repeat(string(stream(middle("x"))), fragments)...)
	allocations := testing.AllocsPerRun(1, func() {
		c := NewConn(testLimit)
		if _, _, err := c.Next(input); err != nil || len(c.kept) != fragments+1 {
			t.Fatalf("kept %d bytes: %v", len(c.kept), err)
		}
		for i := 0; i < len(input); i += 7 { // Mask again for the next run.
			input[i+6] ^= testMask[0]
		}
	})
	if allocations > 20 {
		t.Errorf("%v allocations for %d fragments, want about log2", allocations, fragments)
	}
}

func TestHeaderBuysNoMemory(t *testing.T) {
	c := NewConn(testLimit)
	if _, _, err := c.Next(stream(binaryOf(strings.Repeat("x", testLimit)))[:headerBytesMax+10]); err != nil {
		t.Fatal(err)
	}
	if cap(c.kept) > keptBytesMin {
		t.Errorf("10 bytes of a promised MiB hold %d bytes", cap(c.kept))
	}
}
