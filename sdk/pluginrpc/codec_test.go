package pluginrpc

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// filler gives every exported field of a value something that is not zero, so
// that a field which the codec leaves out is found, also one that is new.
type filler struct {
	next uint64
	enum map[reflect.Type]uint64 // largest value of an enumeration
}

var enums = map[reflect.Type]uint64{
	reflect.TypeFor[sdk.EventKind]():      uint64(sdk.EventClosed),
	reflect.TypeFor[sdk.AckBy]():          uint64(sdk.AckByWrite),
	reflect.TypeFor[sdk.CredentialKind](): uint64(sdk.CredentialHeader),
	reflect.TypeFor[sdk.CommandKind]():    uint64(sdk.CommandStopListening),
	reflect.TypeFor[wire.ReconnectRule](): uint64(wire.ReconnectElsewhere),
	reflect.TypeFor[sdk.Class]():          uint64(sdk.Fast),
	reflect.TypeFor[sdk.Outcome]():        uint64(sdk.Dead),
}

func fill[T any]() T {
	var v T
	f := filler{enum: enums}
	f.fill(reflect.ValueOf(&v).Elem())
	return v
}

func (f *filler) fill(v reflect.Value) {
	f.next++
	if last, ok := f.enum[v.Type()]; ok {
		v.SetUint(last)
		return
	}
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(int64(f.next)<<30, int64(f.next)).UTC()))
		return
	case sdk.Output:
		v.SetString(string(sdk.OutputDeadLetter))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range 3 {
			f.fill(v.Index(i))
		}
	case reflect.String:
		v.SetString(fmt.Sprint("text ", f.next))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint16:
		v.SetUint(f.next & 0xff)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(f.next << 20)
	case reflect.Int, reflect.Int64:
		v.SetInt(-int64(f.next) << 20)
	default:
		panic(fmt.Sprint("no filling for ", v.Type()))
	}
}

// crossings are all types that cross: each encodes a value, decodes it and
// encodes it again.
var crossings = []struct {
	name  string
	value any
	cross func(t *testing.T, v any) any
}{
	{"event", fill[sdk.Event](), func(t *testing.T, v any) any {
		e := v.(sdk.Event)
		return decoded(t, AppendEvent(nil, &e), (*Record).Event)
	}},
	{"empty event", sdk.Event{Kind: sdk.EventAck, Conn: 7, Seq: math.MaxUint64}, func(t *testing.T, v any) any {
		e := v.(sdk.Event)
		b := AppendEvent(nil, &e)
		if len(b) != HeaderSize {
			t.Errorf("an ack takes %d bytes, want %d", len(b), HeaderSize)
		}
		return decoded(t, b, (*Record).Event)
	}},
	{"connect without a token to resume", sdk.Event{Kind: sdk.EventConnect, Connect: &sdk.Connect{Resume: &sdk.Resume{}}}, func(t *testing.T, v any) any {
		e := v.(sdk.Event)
		return decoded(t, AppendEvent(nil, &e), (*Record).Event)
	}},
	{"command", fill[sdk.Command](), func(t *testing.T, v any) any {
		c := v.(sdk.Command)
		return decoded(t, AppendCommand(nil, &c), (*Record).Command)
	}},
	{"accept without an end of credentials", sdk.Command{Kind: sdk.CommandAccept, Accept: &sdk.Accept{}}, func(t *testing.T, v any) any {
		c := v.(sdk.Command)
		got := decoded(t, AppendCommand(nil, &c), (*Record).Command)
		if !got.Accept.Expires.IsZero() {
			t.Error("a zero time is none after the crossing")
		}
		return got
	}},
	{"batch", sdk.Batch{Messages: fill[[]sdk.Message](), Items: []sdk.Item{{Conn: 1, Seq: 2, Message: 2}, {Conn: 3, Message: 0}}}, func(t *testing.T, v any) any {
		batch := v.(sdk.Batch)
		return decoded(t, AppendBatch(nil, &batch), func(r *Record) (sdk.Batch, error) {
			var got sdk.Batch
			return got, r.Batch(&got)
		})
	}},
	{"credit", Credit{1, 2}, func(t *testing.T, v any) any {
		return decoded(t, AppendCredit(nil, v.(Credit)), (*Record).Credit)
	}},
	{"flush", Credit{1, 2}, func(t *testing.T, v any) any {
		return decoded(t, AppendFlush(nil, v.(Credit)), (*Record).Credit)
	}},
	{"source", fill[sdk.Source](), func(t *testing.T, v any) any {
		return decoded(t, AppendAssigned(nil, v.(sdk.Source)), (*Record).Assigned)
	}},
	{"revoked", sdk.Source{Name: "push/3", Epoch: 4}, func(t *testing.T, v any) any {
		s := v.(sdk.Source)
		return decoded(t, AppendRevoked(nil, s.Name, s.Epoch), func(r *Record) (s sdk.Source, err error) {
			s.Name, s.Epoch, err = r.Revoked()
			return s, err
		})
	}},
	{"records", fill[sdk.Records](), func(t *testing.T, v any) any {
		batch := v.(sdk.Records)
		return decoded(t, AppendRecords(nil, 9, &batch), func(r *Record) (sdk.Records, error) {
			token, got, err := r.Records()
			if token != 9 {
				t.Errorf("token %d, want 9", token)
			}
			return got, err
		})
	}},
	{"cancel", uint64(9), func(t *testing.T, v any) any {
		return decoded(t, AppendCancel(nil, v.(uint64)), (*Record).Cancel)
	}},
	{"taken", "the bound is reached", func(t *testing.T, v any) any {
		return decoded(t, AppendTaken(nil, 9, true, v.(string)), func(r *Record) (string, error) {
			token, refused, text, err := r.Taken()
			if token != 9 || !refused {
				t.Errorf("token %d, refused %v", token, refused)
			}
			return text, err
		})
	}},
	{"settlement", sdk.Settlement{Source: "push/3", Epoch: 1, Outcome: sdk.Dead, Positions: []uint64{0, 5, 6, math.MaxUint64}}, func(t *testing.T, v any) any {
		s := v.(sdk.Settlement)
		return decoded(t, AppendSettlement(nil, &s), (*Record).Settlement)
	}},
	{"pause", "push/3", func(t *testing.T, v any) any { return decoded(t, AppendPause(nil, v.(string), true), (*Record).Source) }},
	{"resume", "push/3", func(t *testing.T, v any) any {
		return decoded(t, AppendPause(nil, v.(string), false), (*Record).Source)
	}},
	{"outgoing", fill[sdk.Outgoing](), func(t *testing.T, v any) any {
		o := v.(sdk.Outgoing)
		return decoded(t, AppendOutgoing(nil, &o), (*Record).Outgoing)
	}},
	{"published", fill[sdk.PublishResult](), func(t *testing.T, v any) any {
		p := v.(sdk.PublishResult)
		return decoded(t, AppendPublished(nil, &p), (*Record).Published)
	}},
	{"status", "connection refused", func(t *testing.T, v any) any {
		return decoded(t, AppendStatus(nil, true, v.(string)), func(r *Record) (string, error) {
			up, text, err := r.Status()
			if !up {
				t.Error("up was lost")
			}
			return text, err
		})
	}},
	{"lag", int64(-1), func(t *testing.T, v any) any {
		return decoded(t, AppendLag(nil, "push/3", v.(int64)), func(r *Record) (int64, error) {
			_, records, err := r.Lag()
			return records, err
		})
	}},
	{"hello", bytes.Repeat([]byte{7}, TokenSize), func(t *testing.T, v any) any {
		return decoded(t, AppendHello(nil, v.([]byte), 3), func(r *Record) ([]byte, error) {
			token, l, err := r.Hello()
			if l != 3 {
				t.Errorf("loop %d", l)
			}
			return token, err
		})
	}},
	{"flushed", fill[Progress](), func(t *testing.T, v any) any {
		return decoded(t, AppendFlushed(nil, v.(Progress)), (*Record).Flushed)
	}},
	{"conn", fill[Conn](), func(t *testing.T, v any) any {
		c := v.(Conn)
		return decoded(t, AppendConn(nil, &c), (*Record).Conn)
	}},
	{"end of the table", uint64(9), func(t *testing.T, v any) any {
		return decoded(t, AppendTableEnd(nil, int(v.(uint64))), (*Record).TableEnd)
	}},
	{"frozen", uint64(9), func(t *testing.T, v any) any {
		return decoded(t, AppendFrozen(nil, int(v.(uint64))), (*Record).Frozen)
	}},
	{"adopted", []Renamed{{1, 2}, {3, 0}}, func(t *testing.T, v any) any {
		return decoded(t, AppendAdopted(nil, v.([]Renamed)), (*Record).Adopted)
	}},
}

func decoded[T any](t *testing.T, b []byte, decode func(*Record) (T, error)) T {
	t.Helper()
	r, rest, err := Next(b)
	if err != nil || len(rest) != 0 {
		t.Fatalf("record of %d bytes: %v, %d bytes left", len(b), err, len(rest))
	}
	v, err := decode(&r)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEveryFieldCrosses(t *testing.T) {
	for _, c := range crossings {
		t.Run(c.name, func(t *testing.T) {
			if got := c.cross(t, c.value); !reflect.DeepEqual(got, c.value) {
				t.Errorf("after the crossing\n  %+v, was\n  %+v", got, c.value)
			}
		})
	}
}

func TestRecordsThatDoNotFitAreRefused(t *testing.T) {
	ack := AppendEvent(nil, &sdk.Event{Kind: sdk.EventAck, Conn: 1, Seq: 2})
	uplink := AppendEvent(nil, &sdk.Event{Kind: sdk.EventUplink, Conn: 1, Payload: []byte("x")})
	with := func(b []byte, at int, v ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], v)
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"no header", ack[:10], ErrShort},
		{"half a body", uplink[:len(uplink)-1], ErrShort},
		{"a body beyond the bound", with(ack, 0, 1, 0, 0, 4), ErrMalformed},
		{"unknown flags", with(ack, 5, 0x80), ErrMalformed},
		{"an unknown field", with(uplink, HeaderSize, 0x80), ErrMalformed},
		{"bytes left over", with(append(bytes.Clone(uplink), 0), 0, byte(len(uplink)-HeaderSize+1)), ErrMalformed},
		{"a payload that is longer than its record", with(uplink, HeaderSize+1, 5), ErrMalformed},
		{"not an event", AppendCredit(nil, Credit{}), ErrMalformed},
	} {
		r, _, err := Next(c.b)
		if err == nil {
			_, err = r.Event()
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestBatchItemsMustHaveTheirMessage(t *testing.T) {
	b := AppendBatch(nil, &sdk.Batch{Messages: make([]sdk.Message, 1), Items: []sdk.Item{{Conn: 1, Message: 1}}})
	r, _, err := Next(b)
	if err != nil {
		t.Fatal(err)
	}
	var batch sdk.Batch
	if err := r.Batch(&batch); !errors.Is(err, ErrMalformed) {
		t.Fatalf("an item of a message that is not there: %v", err)
	}
}

func TestSettledPositionsMustAscend(t *testing.T) {
	for _, positions := range [][]uint64{{1, 1}, {2, 1}, {0, math.MaxUint64, 1}} {
		b := AppendSettlement(nil, &sdk.Settlement{Positions: positions})
		r, _, err := Next(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Settlement(); !errors.Is(err, ErrMalformed) {
			t.Errorf("positions %v: %v", positions, err)
		}
	}
}

// FuzzRecords decodes whatever comes. What is accepted encodes to bytes that
// decode to the same.
func FuzzRecords(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for range 100 {
			r, rest, err := Next(b)
			if err != nil {
				return
			}
			b = rest
			again := recode(&r)
			if again == nil {
				continue
			}
			r2, _, err := Next(again)
			if err != nil {
				t.Fatalf("kind %#x: the encoding of what was decoded: %v", r.Kind, err)
			}
			if third := recode(&r2); !bytes.Equal(again, third) {
				t.Fatalf("kind %#x: encodings differ\n%x\n%x", r.Kind, again, third)
			}
		}
	})
}

func seeds() [][]byte {
	event, command := fill[sdk.Event](), fill[sdk.Command]()
	batch := sdk.Batch{Messages: fill[[]sdk.Message](), Items: fill[[]sdk.Item]()}
	for i := range batch.Items {
		batch.Items[i].Message = uint32(i)
	}
	records, outgoing, result := fill[sdk.Records](), fill[sdk.Outgoing](), fill[sdk.PublishResult]()
	return [][]byte{
		AppendEvent(nil, &event),
		AppendCommand(nil, &command),
		AppendFlush(AppendBatch(nil, &batch), Credit{1, 2}),
		AppendTaken(AppendRecords(AppendAssigned(nil, fill[sdk.Source]()), 1, &records), 1, true, "why"),
		AppendCancel(AppendRevoked(nil, "s", 1), 1),
		AppendPause(AppendSettlement(nil, &sdk.Settlement{Source: "s", Positions: []uint64{1, 2, 9}}), "s", true),
		AppendPublished(AppendOutgoing(nil, &outgoing), &result),
		AppendLag(AppendStatus(nil, true, "up"), "s", 4),
		AppendFlushed(AppendHello(nil, make([]byte, TokenSize), 1), Progress{3, 4}),
		AppendTableEnd(AppendConn(nil, &Conn{Conn: 1, Seq: 5, Acked: 4, Queued: 3, Gone: true, Keep: []byte("kept")}), 1),
		AppendAdopted(AppendFrozen(AppendFreeze(nil), 2), []Renamed{{1, 2}, {3, 0}}),
	}
}

// recode decodes a record and encodes it again; nil if it is malformed.
func recode(r *Record) []byte {
	switch {
	case r.IsEvent():
		if e, err := r.Event(); err == nil {
			return AppendEvent(nil, &e)
		}
	case r.IsCommand():
		if c, err := r.Command(); err == nil {
			return AppendCommand(nil, &c)
		}
	}
	switch r.Kind {
	case KindDeliver:
		var b sdk.Batch
		if r.Batch(&b) == nil {
			return AppendBatch(nil, &b)
		}
	case KindFlush, KindCredit:
		if c, err := r.Credit(); err == nil {
			return AppendCredit(nil, c)
		}
	case KindAssigned:
		if s, err := r.Assigned(); err == nil {
			return AppendAssigned(nil, s)
		}
	case KindRevoked:
		if s, epoch, err := r.Revoked(); err == nil {
			return AppendRevoked(nil, s, epoch)
		}
	case KindBatch:
		if token, b, err := r.Records(); err == nil {
			return AppendRecords(nil, token, &b)
		}
	case KindCancel:
		if token, err := r.Cancel(); err == nil {
			return AppendCancel(nil, token)
		}
	case KindTaken:
		if token, refused, text, err := r.Taken(); err == nil {
			return AppendTaken(nil, token, refused, text)
		}
	case KindSettle:
		if s, err := r.Settlement(); err == nil {
			return AppendSettlement(nil, &s)
		}
	case KindPause, KindResume:
		if s, err := r.Source(); err == nil {
			return AppendPause(nil, s, r.Kind == KindPause)
		}
	case KindPublish:
		if o, err := r.Outgoing(); err == nil {
			return AppendOutgoing(nil, &o)
		}
	case KindPublished:
		if p, err := r.Published(); err == nil {
			return AppendPublished(nil, &p)
		}
	case KindStatus:
		if up, text, err := r.Status(); err == nil {
			return AppendStatus(nil, up, text)
		}
	case KindLag:
		if s, n, err := r.Lag(); err == nil {
			return AppendLag(nil, s, n)
		}
	case KindHello:
		if token, l, err := r.Hello(); err == nil {
			return AppendHello(nil, token, l)
		}
	case KindFlushed:
		if p, err := r.Flushed(); err == nil {
			return AppendFlushed(nil, p)
		}
	case KindConn:
		if c, err := r.Conn(); err == nil {
			return AppendConn(nil, &c)
		}
	case KindTableEnd:
		if n, err := r.TableEnd(); err == nil {
			return AppendTableEnd(nil, int(n))
		}
	case KindFrozen:
		if n, err := r.Frozen(); err == nil {
			return AppendFrozen(nil, int(n))
		}
	case KindAdopted:
		if n, err := r.Adopted(); err == nil {
			return AppendAdopted(nil, n)
		}
	}
	return nil
}

func BenchmarkEventCrossing(b *testing.B) {
	events := []sdk.Event{
		{Kind: sdk.EventAck, Conn: 1, Seq: 7},
		{Kind: sdk.EventUplink, Conn: 1, ID: "17", Payload: make([]byte, 128)},
	}
	for i, name := range []string{"ack", "uplink"} {
		b.Run(name, func(b *testing.B) {
			var buffer []byte
			b.ReportAllocs()
			for b.Loop() {
				buffer = AppendEvent(buffer[:0], &events[i])
				r, _, err := Next(buffer)
				if err != nil {
					b.Fatal(err)
				}
				if _, err = r.Event(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBatchCrossing is one message of 128 bytes to 512 connections; one op
// is one item.
func BenchmarkBatchCrossing(b *testing.B) {
	batch := sdk.Batch{Messages: []sdk.Message{{ID: "order-42", Payload: make([]byte, 128)}}, Items: make([]sdk.Item, 512)}
	var buffer []byte
	var got sdk.Batch
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(batch.Items) {
		buffer = AppendBatch(buffer[:0], &batch)
		r, _, err := Next(buffer)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Batch(&got); err != nil {
			b.Fatal(err)
		}
	}
}
