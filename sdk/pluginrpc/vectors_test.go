package pluginrpc_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/wire"
)

var rewrite = flag.Bool("rewrite", false, "rewrite testdata/records.txt")

const recordsFile = "testdata/records.txt"

// vector is one block of the file: a record that codecs of all languages encode
// and decode alike, or, with an error, bytes that all of them refuse.
type vector struct {
	name  string
	bytes []byte
	value map[string]any
	fault string
}

// noted is a record with the fields of its header and body, by the names of
// docs/plugin-protocol.md.
func noted(name, kind string, record []byte, fields ...any) vector {
	v := vector{name: name, bytes: record, value: map[string]any{"kind": kind}}
	for _, f := range fields {
		m, _ := note(reflect.ValueOf(f)).(map[string]any)
		for key, value := range m {
			v.value[key] = value
		}
	}
	return v
}

// part is a few fields of a record that no type of the sdk has.
type part map[string]any

// note turns a value into what JSON can hold; nil is what is left out.
func note(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case part:
		m := map[string]any{}
		for key, value := range x {
			if n := note(reflect.ValueOf(value)); n != nil {
				m[key] = n
			}
		}
		return m
	case time.Time:
		if x.IsZero() {
			return nil
		}
		return x.UnixMilli()
	case time.Duration:
		if x == 0 {
			return nil
		}
		return x.Milliseconds()
	case []byte:
		if len(x) == 0 {
			return nil
		}
		return "hex:" + hex.EncodeToString(x)
	}
	switch {
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return note(v.Elem())
	case v.Kind() == reflect.Slice:
		var list []any
		for i := range v.Len() {
			n := note(v.Index(i))
			if n == nil {
				n = v.Index(i).Interface()
			}
			list = append(list, n)
		}
		if list == nil {
			return nil
		}
		return list
	case v.Kind() == reflect.Struct:
		m := map[string]any{}
		for i := range v.NumField() {
			if n := note(v.Field(i)); n != nil {
				m[fieldName(v.Type().Field(i))] = n
			}
		}
		return m
	case v.IsZero():
		return nil
	}
	return v.Interface()
}

// fieldName is a field's name in snake case, with the unit of times.
func fieldName(f reflect.StructField) string {
	var b strings.Builder
	name := []rune(f.Name)
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 && unicode.IsLower(name[i-1]) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	switch f.Type {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration]():
		b.WriteString("_ms")
	}
	return b.String()
}

var eventNames = []string{"", "connect", "attached", "refresh", "uplink", "ack", "nack", "join", "leave", "congested", "writable", "closed"}

var commandNames = []string{
	"", "accept", "reject", "uplink_result", "join_result", "refresh_result", "pause", "resume", "move", "close", "keep", "listen", "stop_listening",
}

func noteEvent(name string, e sdk.Event) vector {
	v := noted(name, "", pluginrpc.AppendEvent(nil, &e), e)
	v.value["kind"] = eventNames[e.Kind]
	if e.By == sdk.AckByWrite {
		delete(v.value, "by")
		v.value["by_write"] = true
	}
	return v
}

func noteCommand(name string, c sdk.Command) vector {
	v := noted(name, "", pluginrpc.AppendCommand(nil, &c), c)
	v.value["kind"] = commandNames[c.Kind]
	if (c.Reconnect == wire.Reconnect{}) {
		delete(v.value, "reconnect")
	}
	return v
}

func noteBatch(name string, b sdk.Batch) vector {
	return noted(name, "deliver", pluginrpc.AppendBatch(nil, &b), b)
}

func eventVectors() []vector {
	alice := &sdk.Connect{
		Credentials: sdk.Credentials{Kind: sdk.CredentialBearer, Token: "e30.e30.x"},
		User:        "alice", Device: "laptop", Platform: "web",
		Codecs: []string{"zstd", "snappy"}, Headers: []string{"content-type"}, Groups: []string{"chat.42", "zażółć"},
		KeepAlive: 30 * time.Second, Window: 64,
		Resume: &sdk.Resume{Token: []byte{0, 1, 0xfe, 0xff}, Epoch: 7, Seq: 1<<53 - 1},
		Meta:   []sdk.Meta{{Name: sdk.MetaTransport, Value: "sse"}, {Name: sdk.MetaPeer, Value: "127.0.0.1:40000"}},
	}
	basic := &sdk.Connect{Credentials: sdk.Credentials{Kind: sdk.CredentialBasic, User: "bob", Password: "secret"}, Resume: &sdk.Resume{}}
	return []vector{
		noteEvent("connect, nothing claimed", sdk.Event{Kind: sdk.EventConnect, Conn: 1, Connect: &sdk.Connect{}}),
		noteEvent("connect, all fields", sdk.Event{Kind: sdk.EventConnect, Conn: 1<<48 - 1, Connect: alice}),
		noteEvent("connect, basic, resume without a token", sdk.Event{Kind: sdk.EventConnect, Conn: 2, Connect: basic}),
		noteEvent("attached", sdk.Event{Kind: sdk.EventAttached, Conn: 1}),
		noteEvent("refresh", sdk.Event{Kind: sdk.EventRefresh, Conn: 1, Credentials: &sdk.Credentials{Kind: sdk.CredentialCert, Cert: []byte{0x30, 0x82}}}),
		noteEvent("uplink, the smallest", sdk.Event{Kind: sdk.EventUplink, Conn: 1}),
		noteEvent("uplink, all fields", sdk.Event{
			Kind: sdk.EventUplink, Conn: 300, ID: "u-1", Name: "order",
			Headers: []sdk.Header{{Name: "content-type", Value: []byte("text/plain")}, {Name: "empty"}}, Payload: []byte("\x00\xffbody"),
		}),
		noteEvent("uplink, a payload whose length takes two bytes", sdk.Event{Kind: sdk.EventUplink, Conn: 1, Payload: bytes.Repeat([]byte("x"), 200)}),
		noteEvent("ack", sdk.Event{Kind: sdk.EventAck, Conn: 1, Seq: 5}),
		noteEvent("ack, by write", sdk.Event{Kind: sdk.EventAck, Conn: 1, Seq: 5, By: sdk.AckByWrite}),
		noteEvent("ack, ranges", sdk.Event{Kind: sdk.EventAck, Conn: 1, Seq: 5, Ranges: []sdk.SeqRange{{First: 7, Last: 8}, {First: 300, Last: 1 << 40}}}),
		noteEvent("nack, for later", sdk.Event{Kind: sdk.EventNack, Conn: 1, Seq: 6, RetryAfter: 1500 * time.Millisecond, Text: "busy"}),
		noteEvent("nack, final", sdk.Event{Kind: sdk.EventNack, Conn: 1, Seq: 6, Final: true, Text: "unknown name"}),
		noteEvent("join", sdk.Event{Kind: sdk.EventJoin, Conn: 1, Group: "chat.42", Position: 128}),
		noteEvent("leave", sdk.Event{Kind: sdk.EventLeave, Conn: 1, Group: "chat.42"}),
		noteEvent("congested", sdk.Event{Kind: sdk.EventCongested, Conn: 1, Queued: 17954}),
		noteEvent("writable", sdk.Event{Kind: sdk.EventWritable, Conn: 1}),
		noteEvent("closed, the peer went away", sdk.Event{Kind: sdk.EventClosed, Conn: 1}),
		noteEvent("closed, for silence", sdk.Event{Kind: sdk.EventClosed, Conn: 1, Code: uint16(wire.CodeHeartbeatTimeout), Text: "nothing for 45 s"}),
	}
}

func commandVectors() []vector {
	accept := &sdk.Accept{
		Owner: 3, Token: []byte{1, 2, 3}, Resumed: true, Epoch: 7, Heartbeat: 30 * time.Second,
		Expires: time.UnixMilli(1_800_000_000_250).UTC(), Codec: "zstd", MaxUplink: 65536, Window: 256, RememberIDs: 1024,
		User: "alice", Device: "laptop", Keep: []byte("sealed"),
	}
	listen := &sdk.Listen{AcceptRate: 500, MaxUnauthenticated: 1000, ConnectTimeout: 10 * time.Second, LoopbackOnly: true, MaxFrame: 1 << 20}
	after := wire.Reconnect{Rule: wire.ReconnectAfter, AfterMS: 2000}
	there := wire.Reconnect{Rule: wire.ReconnectElsewhere, Address: "wss://b.example/connect"}
	return []vector{
		noteCommand("accept, the smallest", sdk.Command{Kind: sdk.CommandAccept, Conn: 1, Accept: &sdk.Accept{}}),
		noteCommand("accept, all fields", sdk.Command{Kind: sdk.CommandAccept, Conn: 1<<48 - 1, Accept: accept}),
		noteCommand("reject", sdk.Command{Kind: sdk.CommandReject, Conn: 1, Code: uint16(wire.CodeOverloaded), Text: "full", Reconnect: after}),
		noteCommand("uplink_result, taken", sdk.Command{Kind: sdk.CommandUplinkResult, Conn: 1, ID: "u-1"}),
		noteCommand("uplink_result, for later", sdk.Command{Kind: sdk.CommandUplinkResult, Conn: 1, ID: "u-1", Code: uint16(wire.CodeUnavailable), Retryable: true, Text: "the broker is away"}),
		noteCommand("join_result", sdk.Command{Kind: sdk.CommandJoinResult, Conn: 1, Group: "chat.42", Position: 200, Gap: true}),
		noteCommand("refresh_result", sdk.Command{Kind: sdk.CommandRefreshResult, Conn: 1, Expires: time.UnixMilli(1_800_000_000_000).UTC()}),
		noteCommand("pause", sdk.Command{Kind: sdk.CommandPause, Conn: 1}),
		noteCommand("resume", sdk.Command{Kind: sdk.CommandResume, Conn: 1}),
		noteCommand("move", sdk.Command{Kind: sdk.CommandMove, Conn: 1, Within: time.Minute, Text: "wss://b.example/connect"}),
		noteCommand("close", sdk.Command{Kind: sdk.CommandClose, Conn: 1, Code: uint16(wire.CodeKicked), Text: "by the operator", Reconnect: wire.Reconnect{Rule: wire.ReconnectNo}}),
		noteCommand("close, elsewhere", sdk.Command{Kind: sdk.CommandClose, Conn: 1, Code: uint16(wire.CodeMoved), Reconnect: there}),
		noteCommand("keep", sdk.Command{Kind: sdk.CommandKeep, Conn: 1, Keep: []byte{0xde, 0xad}}),
		noteCommand("listen", sdk.Command{Kind: sdk.CommandListen, Listen: listen}),
		noteCommand("listen, without bounds", sdk.Command{Kind: sdk.CommandListen, Listen: &sdk.Listen{}}),
		noteCommand("stop_listening", sdk.Command{Kind: sdk.CommandStopListening}),
	}
}

func deliverVectors() []vector {
	full := sdk.Message{
		ID: "order-42-shipped", Name: "order", FromUser: "alice", Codec: "zstd",
		Headers: []sdk.Header{{Name: "content-type", Value: []byte("application/json")}}, Payload: []byte(`{"order":42}`),
	}
	tick := sdk.Message{ID: "t", Class: sdk.Fast, FromGroup: "chat.42", Position: 129}
	return []vector{
		noteBatch("deliver, one message", sdk.Batch{Messages: []sdk.Message{{ID: "a", Payload: []byte("hi")}}, Items: []sdk.Item{{Conn: 1, Seq: 1}}}),
		noteBatch("deliver, two messages to three connections", sdk.Batch{
			Messages: []sdk.Message{full, tick},
			Items:    []sdk.Item{{Conn: 1, Seq: 300}, {Conn: 1, Message: 1}, {Conn: 2, Message: 1}, {Conn: 1<<48 - 1, Seq: 1<<53 - 1}},
		}),
		noted("flush", "flush", pluginrpc.AppendFlush(nil, pluginrpc.Credit{Consumed: 1 << 33, Bytes: 65536}), pluginrpc.Credit{Consumed: 1 << 33, Bytes: 65536}),
		noted("flush, no credit", "flush", pluginrpc.AppendFlush(nil, pluginrpc.Credit{})),
		noted("credit", "credit", pluginrpc.AppendCredit(nil, pluginrpc.Credit{Consumed: 5, Bytes: 7}), pluginrpc.Credit{Consumed: 5, Bytes: 7}),
	}
}

func mqVectors() []vector {
	records := sdk.Records{Source: "push", Epoch: 2, Records: []sdk.Record{
		{Position: 1, Timestamp: time.UnixMilli(1_700_000_000_123).UTC(), MessageID: "1700000000123-0", Redelivered: true, Key: []byte("alice"),
			Headers: []sdk.Header{{Name: "push-to", Value: []byte("user:alice")}, {Name: "push-to", Value: []byte("group:a")}}, Body: []byte("hello")},
		{Position: 300},
	}}
	settled := sdk.Settlement{Source: "push", Epoch: 2, Outcome: sdk.Requeue, Positions: []uint64{1, 2, 300, 1 << 40}}
	letter := sdk.Outgoing{ID: 9, Output: sdk.OutputDeadLetter, Key: []byte("k"), Headers: []sdk.Header{{Name: "push-dead-reason", Value: []byte("no_ack")}}, Body: []byte("b")}
	return []vector{
		noted("assigned", "assigned", pluginrpc.AppendAssigned(nil, sdk.Source{Name: "push/3", Epoch: 4, StablePositions: true}), part{"name": "push/3", "epoch": 4, "stable_positions": true}),
		noted("assigned, passing positions", "assigned", pluginrpc.AppendAssigned(nil, sdk.Source{Name: "jobs", Epoch: 1}), part{"name": "jobs", "epoch": 1}),
		noted("revoked", "revoked", pluginrpc.AppendRevoked(nil, "push/3", 4), part{"name": "push/3", "epoch": 4}),
		noted("batch", "batch", pluginrpc.AppendRecords(nil, 11, &records), records, part{"token": 11}),
		noted("cancel", "cancel", pluginrpc.AppendCancel(nil, 11), part{"token": 11}),
		noted("taken", "taken", pluginrpc.AppendTaken(nil, 11, false, ""), part{"token": 11}),
		noted("taken, refused", "taken", pluginrpc.AppendTaken(nil, 11, true, "stopping"), part{"token": 11, "refused": true, "text": "stopping"}),
		noted("settle, done", "settle", pluginrpc.AppendSettlement(nil, &sdk.Settlement{Source: "push", Epoch: 2, Positions: []uint64{1}}), part{"source": "push", "epoch": 2, "positions": []uint64{1}}),
		noted("settle, requeue", "settle", pluginrpc.AppendSettlement(nil, &settled), settled),
		noted("publish", "publish", pluginrpc.AppendOutgoing(nil, &letter), letter),
		noted("publish, empty", "publish", pluginrpc.AppendOutgoing(nil, &sdk.Outgoing{ID: 1, Output: sdk.OutputUplink}), part{"id": 1, "output": "uplink"}),
		noted("published", "published", pluginrpc.AppendPublished(nil, &sdk.PublishResult{ID: 9}), part{"id": 9}),
		noted("published, refused", "published", pluginrpc.AppendPublished(nil, &sdk.PublishResult{ID: 9, Error: "too large", Final: true}), part{"id": 9, "error": "too large", "final": true}),
		noted("pause_source", "pause_source", pluginrpc.AppendPause(nil, "push", true), part{"source": "push"}),
		noted("resume_source", "resume_source", pluginrpc.AppendPause(nil, "push", false), part{"source": "push"}),
		noted("status, reached", "status", pluginrpc.AppendStatus(nil, true, ""), part{"reached": true}),
		noted("status, away", "status", pluginrpc.AppendStatus(nil, false, "connection refused"), part{"text": "connection refused"}),
		noted("lag", "lag", pluginrpc.AppendLag(nil, "push", 12345), part{"source": "push", "count": 12345}),
	}
}

// linkVectors are of links and of what outlives the runtime.
func linkVectors() []vector {
	token := bytes.Repeat([]byte{0xab}, pluginrpc.TokenSize)
	progress := pluginrpc.Progress{Flushes: 12, Bytes: 1 << 33}
	row := pluginrpc.Conn{Conn: 1<<48 - 1, Seq: 300, Acked: 299, Queued: 17954, Gone: true, Keep: []byte("sealed")}
	names := []pluginrpc.Renamed{{From: 1, To: 300}, {From: 2}}
	return []vector{
		noted("hello", "hello", pluginrpc.AppendHello(nil, token, 3), part{"loop": 3, "token": token}),
		noted("flushed", "flushed", pluginrpc.AppendFlushed(nil, progress), progress),
		noted("conn", "conn", pluginrpc.AppendConn(nil, &row), row),
		noted("conn, idle", "conn", pluginrpc.AppendConn(nil, &pluginrpc.Conn{Conn: 1}), part{"conn": 1}),
		noted("table_end", "table_end", pluginrpc.AppendTableEnd(nil, 2), part{"rows": 2}),
		noted("freeze", "freeze", pluginrpc.AppendFreeze(nil)),
		noted("frozen", "frozen", pluginrpc.AppendFrozen(nil, 2), part{"connections": 2}),
		noted("adopted", "adopted", pluginrpc.AppendAdopted(nil, names), part{"connections": names}),
	}
}

// badVectors are records that no side takes. Each is a good one, changed.
func badVectors() []vector {
	ack := pluginrpc.AppendEvent(nil, &sdk.Event{Kind: sdk.EventAck, Conn: 1, Seq: 5})
	join := pluginrpc.AppendEvent(nil, &sdk.Event{Kind: sdk.EventJoin, Conn: 1, Group: "chat.42"})
	batch := pluginrpc.AppendBatch(nil, &sdk.Batch{Messages: []sdk.Message{{ID: "a"}}, Items: []sdk.Item{{Conn: 1}}})
	changed := func(record []byte, at int, to byte) []byte {
		record = bytes.Clone(record)
		record[at] = to
		return record
	}
	return []vector{
		{name: "a kind that is none", bytes: changed(ack, 4, 0xff), fault: "unknown kind"},
		{name: "an unknown flag", bytes: changed(ack, 5, 0x80), fault: "unknown flags"},
		{name: "a body above 64 MiB", bytes: changed(changed(ack, 0, 1), 3, 4), fault: "a body that is too long"},
		{name: "an unknown field", bytes: longer(ack, 0x80, 0x20), fault: "an unknown field"},
		{name: "bytes behind the last field", bytes: longer(join, 0), fault: "bytes after the last field"},
		{name: "a string longer than its record", bytes: changed(join, pluginrpc.HeaderSize+2, 100), fault: "longer than its record"},
		{name: "a number that does not end", bytes: longer(ack, 0xff), fault: "a number that does not end"},
		{name: "an item of a message that is not there", bytes: changed(batch, len(batch)-4, 1), fault: "no such message"},
		{name: "a code where there is none", bytes: changed(pluginrpc.AppendFlush(nil, pluginrpc.Credit{}), 6, 1), fault: "a code that has no meaning here"},
	}
}

// longer is a record with a longer body.
func longer(record []byte, more ...byte) []byte {
	record = append(bytes.Clone(record), more...)
	binary.LittleEndian.PutUint32(record, uint32(len(record)-pluginrpc.HeaderSize))
	return record
}

func goodVectors() []vector {
	var all []vector
	for _, part := range [][]vector{eventVectors(), commandVectors(), deliverVectors(), mqVectors(), linkVectors()} {
		all = append(all, part...)
	}
	return all
}

// formatVectors is the file, as codecs of other languages read it.
func formatVectors(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Records of links to plugins, see docs/plugin-protocol.md#vectors. Written by: go test ./sdk/pluginrpc -run Vectors -rewrite\n")
	for _, v := range goodVectors() {
		text, err := json.Marshal(v.value)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\nname: %s\njson: %s\nhex: %x\n", v.name, text, v.bytes)
	}
	for _, v := range badVectors() {
		fmt.Fprintf(&b, "\nname: %s\nerror: %s\nhex: %x\n", v.name, v.fault, v.bytes)
	}
	return b.String()
}

// TestVectorsAreThoseOfTheFile keeps the format from changing unnoticed: authors
// in other languages have codecs that nobody here compiles.
func TestVectorsAreThoseOfTheFile(t *testing.T) {
	text := formatVectors(t)
	if *rewrite {
		if err := os.WriteFile(recordsFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(recordsFile)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(text, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(wanted)) {
		if i >= len(got) || i >= len(wanted) || got[i] != wanted[i] {
			t.Fatalf("line %d differs: the codec makes\n%s\nthe file has\n%s", i+1, at(got, i), at(wanted, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(no line)"
}

func TestVectorsAreDecodedAndEncodedToTheSameBytes(t *testing.T) {
	for _, v := range goodVectors() {
		r, rest, err := pluginrpc.Next(v.bytes)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%s: %v, %d bytes behind it", v.name, err, len(rest))
		}
		again, err := reencode(&r)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
		} else if !bytes.Equal(again, v.bytes) {
			t.Errorf("%s: %x became %x", v.name, v.bytes, again)
		}
	}
}

func TestBadVectorsAreRefused(t *testing.T) {
	for _, v := range badVectors() {
		r, _, err := pluginrpc.Next(v.bytes)
		if err == nil {
			_, err = reencode(&r)
		}
		if !errors.Is(err, pluginrpc.ErrMalformed) {
			t.Errorf("%s: %v, want a malformed record", v.name, err)
		}
	}
}

// TestVectorsNameEachKind fails when a kind is added without one.
func TestVectorsNameEachKind(t *testing.T) {
	seen := map[pluginrpc.Kind]bool{}
	for _, v := range goodVectors() {
		seen[pluginrpc.Kind(v.bytes[4])] = true
	}
	for kind := range math.MaxUint8 {
		r := pluginrpc.Record{Kind: pluginrpc.Kind(kind)}
		if known := r.IsEvent() || r.IsCommand() || r.Kind >= pluginrpc.KindDeliver && r.Kind <= pluginrpc.KindAdopted; known != seen[r.Kind] {
			t.Errorf("kind %#x: known %v, in the vectors %v", kind, known, seen[r.Kind])
		}
	}
}

// reencode decodes a record of any kind and encodes what it found.
func reencode(r *pluginrpc.Record) ([]byte, error) {
	switch {
	case r.IsEvent():
		e, err := r.Event()
		return pluginrpc.AppendEvent(nil, &e), err
	case r.IsCommand():
		c, err := r.Command()
		return pluginrpc.AppendCommand(nil, &c), err
	}
	switch r.Kind {
	case pluginrpc.KindDeliver:
		var b sdk.Batch
		err := r.Batch(&b)
		return pluginrpc.AppendBatch(nil, &b), err
	case pluginrpc.KindFlush:
		c, err := r.Credit()
		return pluginrpc.AppendFlush(nil, c), err
	case pluginrpc.KindCredit:
		c, err := r.Credit()
		return pluginrpc.AppendCredit(nil, c), err
	}
	return reencodeMQ(r)
}

func reencodeMQ(r *pluginrpc.Record) ([]byte, error) {
	switch r.Kind {
	case pluginrpc.KindAssigned:
		s, err := r.Assigned()
		return pluginrpc.AppendAssigned(nil, s), err
	case pluginrpc.KindRevoked:
		source, epoch, err := r.Revoked()
		return pluginrpc.AppendRevoked(nil, source, epoch), err
	case pluginrpc.KindBatch:
		token, batch, err := r.Records()
		return pluginrpc.AppendRecords(nil, token, &batch), err
	case pluginrpc.KindCancel:
		token, err := r.Cancel()
		return pluginrpc.AppendCancel(nil, token), err
	case pluginrpc.KindTaken:
		token, refused, text, err := r.Taken()
		return pluginrpc.AppendTaken(nil, token, refused, text), err
	case pluginrpc.KindSettle:
		s, err := r.Settlement()
		return pluginrpc.AppendSettlement(nil, &s), err
	case pluginrpc.KindPublish:
		o, err := r.Outgoing()
		return pluginrpc.AppendOutgoing(nil, &o), err
	case pluginrpc.KindPublished:
		p, err := r.Published()
		return pluginrpc.AppendPublished(nil, &p), err
	case pluginrpc.KindPause, pluginrpc.KindResume:
		source, err := r.Source()
		return pluginrpc.AppendPause(nil, source, r.Kind == pluginrpc.KindPause), err
	case pluginrpc.KindStatus:
		up, text, err := r.Status()
		return pluginrpc.AppendStatus(nil, up, text), err
	case pluginrpc.KindLag:
		source, records, err := r.Lag()
		return pluginrpc.AppendLag(nil, source, records), err
	}
	return reencodeLink(r)
}

func reencodeLink(r *pluginrpc.Record) ([]byte, error) {
	switch r.Kind {
	case pluginrpc.KindHello:
		token, loop, err := r.Hello()
		return pluginrpc.AppendHello(nil, token, loop), err
	case pluginrpc.KindFlushed:
		p, err := r.Flushed()
		return pluginrpc.AppendFlushed(nil, p), err
	case pluginrpc.KindConn:
		c, err := r.Conn()
		return pluginrpc.AppendConn(nil, &c), err
	case pluginrpc.KindTableEnd:
		rows, err := r.TableEnd()
		return pluginrpc.AppendTableEnd(nil, int(rows)), err
	case pluginrpc.KindFreeze:
		return pluginrpc.AppendFreeze(nil), nil
	case pluginrpc.KindFrozen:
		n, err := r.Frozen()
		return pluginrpc.AppendFrozen(nil, int(n)), err
	case pluginrpc.KindAdopted:
		names, err := r.Adopted()
		return pluginrpc.AppendAdopted(nil, names), err
	}
	return nil, fmt.Errorf("%w: an unknown kind", pluginrpc.ErrMalformed)
}
