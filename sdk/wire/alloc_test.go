package wire

import (
	"bytes"
	"testing"
)

func message() *Push {
	return &Push{ID: []byte("01J8ZC5T3V8W6Q4N2M0K9H7G5F"), Name: []byte("order"), FromGroup: []byte("chat.42"), Position: 1 << 20,
		Headers: []Header{{Name: []byte("content-type"), Value: []byte("application/json")}}, Payload: bytes.Repeat([]byte("a"), 128)}
}

// What the loop does for each frame must not allocate.
func TestHotPathsDoNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 1024)
	p := message()
	push := p.Append(nil)
	pushed := Push{Headers: make([]Header, 0, 4)}
	p.Seq = 1 << 20
	reliable := p.Append(nil)
	pushJSON := p.AppendJSON(nil)
	send := (&Send{ID: []byte("u-17"), Name: []byte("position"), Payload: make([]byte, 128)}).Append(nil)
	ack := (&Ack{Seq: 1 << 20}).Append(nil)
	ranges := (&Ack{Seq: 5, Ranges: []SeqRange{{7, 9}, {12, 12}}}).Append(nil)
	ackJSON := (&Ack{Seq: 5, Ranges: []SeqRange{{7, 9}, {12, 12}}}).AppendJSON(nil)
	acked := Ack{Ranges: make([]SeqRange, 0, 4)}
	ping := (&Ping{Number: 1 << 40}).Append(nil)
	pong := (&Pong{Number: 1 << 40}).Append(nil)
	stream := PrefixLength((&Ack{Seq: 7}).Append(nil), 0)

	tests := []struct {
		name string
		run  func() error
	}{
		{"append the head of a PUSH", func() error { dst = AppendPushHead(dst[:0], 1<<40); return nil }},
		{"append the head of a PUSH on a stream", func() error { dst = AppendStreamPushHead(dst[:0], 1<<40, 200); return nil }},
		{"append the body of a PUSH", func() error { dst = AppendPushBody(dst[:0], p); return nil }},
		{"append the head of a JSON PUSH", func() error { dst = AppendPushHeadJSON(dst[:0], 1<<40); return nil }},
		{"append the body of a JSON PUSH", func() error { dst = AppendPushBodyJSON(dst[:0], p); return nil }},
		{"parse a fast PUSH", func() error { return pushed.Parse(push) }},
		{"parse a reliable PUSH", func() error { return pushed.Parse(reliable) }},
		{"parse a JSON PUSH", func() error { return pushed.ParseJSON(pushJSON) }},
		{"parse a SEND", func() error { var s Send; return s.Parse(send) }},
		{"parse an ACK", func() error { var a Ack; return a.Parse(ack) }},
		{"parse an ACK with ranges", func() error { return acked.Parse(ranges) }},
		{"parse a JSON ACK", func() error { return acked.ParseJSON(ackJSON) }},
		{"parse a PING", func() error { var p Ping; return p.Parse(ping) }},
		{"parse a PONG", func() error { var p Pong; return p.Parse(pong) }},
		{"append a PONG on a stream", func() error { p := Pong{1}; dst = PrefixLength(p.Append(dst[:0]), 0); return nil }},
		{"split a stream", func() error { _, _, err := SplitFrame(stream, 100); return err }},
		{"find the type of JSON", func() error { _, err := TypeOfJSON(ackJSON); return err }},
	}
	for _, test := range tests {
		if err := test.run(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = test.run() }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", test.name, n)
		}
	}
}

// A frame of few bytes must not make its reader allocate for many.
func TestListsCostNoMoreThanWasSent(t *testing.T) {
	connect := append([]byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0xff, 0x07) // 1,023 groups in no bytes.
	var c Connect
	if n := testing.AllocsPerRun(100, func() { _ = c.Parse(connect) }); n > 3 {
		t.Errorf("%v allocations, want those of the error only", n)
	}
	if c.Groups != nil {
		t.Errorf("room for %d groups was made", cap(c.Groups))
	}
}

func BenchmarkAppendPushHead(b *testing.B) {
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendStreamPushHead(dst[:0], 1<<20, 200)
	}
}

func BenchmarkAppendPushBody(b *testing.B) {
	dst, p := make([]byte, 0, 1024), message()
	b.ReportAllocs()
	b.SetBytes(int64(len(p.Payload)))
	for b.Loop() {
		dst = AppendPushBody(dst[:0], p)
	}
}

func BenchmarkAppendPushBodyJSON(b *testing.B) {
	dst, p := make([]byte, 0, 2048), message()
	b.ReportAllocs()
	b.SetBytes(int64(len(p.Payload)))
	for b.Loop() {
		dst = AppendPushBodyJSON(dst[:0], p)
	}
}

func BenchmarkParse(b *testing.B) {
	p := message()
	p.Seq = 1 << 20
	frames := []struct {
		name  string
		frame Frame
	}{
		{"push", p},
		{"push-bare", &Push{Seq: 1 << 20, ID: p.ID, Payload: p.Payload}},
		{"ack", &Ack{Seq: 1 << 20}},
		{"ack-ranges", &Ack{Seq: 5, Ranges: []SeqRange{{7, 9}, {12, 12}, {14, 100}}}},
		{"send", &Send{ID: []byte("u-17"), Name: []byte("position"), Payload: p.Payload}},
		{"ping", &Ping{Number: 1 << 40}},
		{"connect", &Connect{Credentials: Credentials{Kind: CredentialBearer, Token: "T"}, User: "alice", Device: "phone"}},
	}
	for _, bench := range frames {
		binary, text, into := bench.frame.Append(nil), bench.frame.AppendJSON(nil), New(bench.frame.Type())
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := into.Parse(binary); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bench.name+"-json", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := into.ParseJSON(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
