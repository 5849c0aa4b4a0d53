package wire

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// The vectors cannot tell two fields that are swapped in both forms; here each
// field of each frame is named once.
var fullFrames = []struct {
	frame Frame
	json  string
}{
	{&Connect{Credentials: Credentials{Kind: CredentialBasic, User: "n", Password: "p"}, Client: "c", ClientVersion: "v",
		User: "u", Device: "d", Platform: "ios", Codecs: []string{"x", "y"}, Headers: []string{"h"}, KeepAliveMS: 1, Window: 2,
		Groups: []string{"g"}, Resume: Resume{Session: []byte{1}, Epoch: 3, Seq: 4}},
		`{"type":"connect","version":1,"username":"n","password":"p","client":"c","client_version":"v","user":"u","device":"d",` +
			`"platform":"ios","codecs":["x","y"],"headers":["h"],"keep_alive_ms":1,"window":2,"groups":["g"],"session":"AQ==","epoch":3,"seq":4}`},
	{&Accept{Resumed: true, Session: []byte{1}, Epoch: 2, HeartbeatMS: 3, ExpiresMS: 4, Codec: "x", UplinkBytesMax: 5, Window: 6,
		RememberIDs: 7, User: "u", Device: "d"},
		`{"type":"accept","resumed":true,"session":"AQ==","epoch":2,"heartbeat_ms":3,"expires_at":"1970-01-01T00:00:00.004Z",` +
			`"codec":"x","uplink_bytes_max":5,"window":6,"remember_ids":7,"user":"u","device":"d"}`},
	{&Reject{Code: 4005, Text: "t", Reconnect: Reconnect{Rule: ReconnectAfter, AfterMS: 9}},
		`{"type":"reject","code":4005,"text":"t","reconnect":"after","after_ms":9}`},
	{&Refresh{Credentials: Credentials{Kind: CredentialBearer, Token: "T"}}, `{"type":"refresh","token":"T"}`},
	{&Refreshed{Code: 4501, Text: "t", ExpiresMS: 1000}, `{"type":"refreshed","code":4501,"text":"t","expires_at":"1970-01-01T00:00:01Z"}`},
	{&Push{Seq: 1, ID: []byte("i"), Name: []byte("n"), FromUser: []byte("u"), FromGroup: []byte("g"), Position: 2,
		Headers: []Header{{Name: []byte("h"), Value: []byte("v")}}, Compressed: true, Payload: []byte("p")},
		`{"type":"push","seq":1,"id":"i","name":"n","from_user":"u","from_group":"g","position":2,"headers":[{"name":"h","value":"v"}],` +
			`"compressed":true,"payload":"p"}`},
	{&Ack{Seq: 1, Ranges: []SeqRange{{3, 4}, {6, 6}}}, `{"type":"ack","seq":1,"ranges":[[3,4],[6,6]]}`},
	{&Nack{Seq: 1, RetryAfterMS: 2, Text: "t"}, `{"type":"nack","seq":1,"retry_after_ms":2,"text":"t"}`},
	{&Nack{Seq: 1, Final: true}, `{"type":"nack","seq":1,"final":true}`},
	{&Send{ID: []byte("i"), Name: []byte("n"), Headers: []Header{{Name: []byte("h"), Value: []byte("v")}}, Payload: []byte("p")},
		`{"type":"send","id":"i","name":"n","headers":[{"name":"h","value":"v"}],"payload":"p"}`},
	{&Sent{ID: "i", Code: 4013, Retryable: true, Text: "t"}, `{"type":"sent","id":"i","code":4013,"retryable":true,"text":"t"}`},
	{&Join{Group: "g", Position: 1}, `{"type":"join","group":"g","position":1}`},
	{&Joined{Group: "g", Code: 4509, Text: "t", Position: 1, Gap: true},
		`{"type":"joined","group":"g","code":4509,"text":"t","position":1,"gap":true}`},
	{&Leave{Group: "g"}, `{"type":"leave","group":"g"}`},
	{&Ping{Number: 1}, `{"type":"ping","number":1}`},
	{&Pong{Number: 1}, `{"type":"pong","number":1}`},
	{&Move{WithinMS: 1, Address: "a"}, `{"type":"move","within_ms":1,"address":"a"}`},
	{&Close{Code: 4001, Text: "t", Reconnect: Reconnect{Rule: ReconnectElsewhere, Address: "a"}},
		`{"type":"close","code":4001,"text":"t","reconnect":"elsewhere","address":"a"}`},
}

func TestEveryFieldGoesThroughBothForms(t *testing.T) {
	for _, test := range fullFrames {
		kind := test.frame.Type()
		if got := string(test.frame.AppendJSON(nil)); got != test.json {
			t.Errorf("%s:\n got %s\nwant %s", kind, got, test.json)
		}
		fromJSON, fromBinary := New(kind), New(kind)
		if err := fromJSON.ParseJSON([]byte(test.json)); err != nil || !reflect.DeepEqual(fromJSON, test.frame) {
			t.Errorf("%s: JSON: got %#v, %v", kind, fromJSON, err)
		}
		if err := fromBinary.Parse(test.frame.Append(nil)); err != nil || !reflect.DeepEqual(fromBinary, test.frame) {
			t.Errorf("%s: binary: got %#v, %v", kind, fromBinary, err)
		}
	}
}

func TestFullFramesLeaveNoFieldOut(t *testing.T) {
	zeroInAll := map[string]bool{} // field → it is zero in all frames of its type
	for _, test := range fullFrames {
		v := reflect.ValueOf(test.frame).Elem()
		for i := range v.NumField() {
			name := test.frame.Type().String() + "." + v.Type().Field(i).Name
			zero, seen := zeroInAll[name]
			zeroInAll[name] = v.Field(i).IsZero() && (zero || !seen)
		}
	}
	for name, zero := range zeroInAll {
		if zero {
			t.Errorf("%s is not tested", name)
		}
	}
}

func TestEveryTypeHasAFrameAndANameInBothForms(t *testing.T) {
	for kind := TypeConnect; kind <= TypeClose; kind++ {
		frame := New(kind)
		if frame == nil || frame.Type() != kind {
			t.Errorf("New(%d) is %#v", kind, frame)
		}
		if got, err := TypeOf([]byte{byte(kind)}); got != kind || err != nil {
			t.Errorf("TypeOf(%d) is %v, %v", kind, got, err)
		}
		text := `{"type":"` + strings.ToLower(kind.String()) + `"}`
		if got, err := TypeOfJSON([]byte(text)); got != kind || err != nil {
			t.Errorf("TypeOfJSON(%s) is %v, %v", text, got, err)
		}
	}
	for _, kind := range []Type{0, 18, 255} {
		if New(kind) != nil || kind.Valid() || kind.String() != "unknown" {
			t.Errorf("type %d exists", kind)
		}
		if _, err := TypeOf([]byte{byte(kind)}); CodeOf(err) != CodeProtocolError {
			t.Errorf("TypeOf(%d): %v", kind, err)
		}
	}
	if _, err := TypeOf(nil); CodeOf(err) != CodeProtocolError {
		t.Errorf("TypeOf an empty frame: %v", err)
	}
}

func TestTypeOfJSONFindsTheTypeWhereverItStands(t *testing.T) {
	tests := []struct {
		text string
		want Type
	}{
		{`{"type":"ping"}`, TypePing},
		{` { "type" : "push" , `, TypePush}, // The rest is not looked at.
		{`{"number":1,"type":"ping"}`, TypePing},
		{`{"ranges":[[2,3],[5,6]],"seq":1,"type":"ack"}`, TypeAck},
		{`{"headers":[{"name":"}\"type","value":"]"}],"payload":"{\"type\":\"x\"}","type":"send"}`, TypeSend},
		{`{"resumed":true,"x":null,"y":-1.5e3 ,"type":"accept"}`, TypeAccept},
		{`{"ty\u0070e":"p\u0069ng"}`, TypePing},
	}
	for _, test := range tests {
		if got, err := TypeOfJSON([]byte(test.text)); got != test.want || err != nil {
			t.Errorf("%s: got %v, %v", test.text, got, err)
		}
	}
}

func TestTypeOfJSONSaysWhatIsWrong(t *testing.T) {
	tests := []struct{ text, want string }{
		{``, `frame: syntax at byte 0: '{' expected`},
		{`[]`, `frame: syntax at byte 0: '{' expected`},
		{`{}`, `frame: type at byte 2: missing`},
		{`{"seq":1}`, `frame: type at byte 9: missing`},
		{`{"type":"pin"}`, `frame: type at byte 8: unknown; did you mean ping?`},
		{`{"type":"subscribe"}`, `frame: type at byte 8: unknown`},
		{`{"type":1}`, `frame: type at byte 8: not a string`},
		{`{"a":`, `frame: syntax at byte 5: the frame ends within a value`},
		{`{"a":[[`, `frame: syntax at byte 7: the frame ends within a value`},
		{`{"a":"`, `frame: value at byte 5: the frame ends within it`},
		{`hello`, `frame: syntax at byte 0: '{' expected`},
	}
	for _, test := range tests {
		_, err := TypeOfJSON([]byte(test.text))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

func TestParseOverwritesAllFields(t *testing.T) {
	for _, test := range fullFrames {
		kind := test.frame.Type()
		for _, v := range frameVectors(t) {
			binary, text := v.bytes(t, "hex"), []byte(v.fields["json"])
			if Type(binary[0]) != kind {
				continue
			}
			used := New(kind)
			if err := errors.Join(used.Parse(test.frame.Append(nil)), used.Parse(binary)); err != nil {
				t.Fatal(err)
			}
			if got := used.Append(nil); !bytes.Equal(got, binary) {
				t.Errorf("%s: Parse left something of the frame before: % x", v.fields["name"], got)
			}
			if err := errors.Join(used.ParseJSON([]byte(test.json)), used.ParseJSON(text)); err != nil {
				t.Fatal(err)
			}
			if got := used.AppendJSON(nil); !bytes.Equal(got, text) {
				t.Errorf("%s: ParseJSON left something of the frame before: %s", v.fields["name"], got)
			}
		}
	}
}

func TestAppendAppends(t *testing.T) {
	for _, test := range fullFrames {
		prefix := []byte("before")
		if got := test.frame.Append(prefix); !bytes.Equal(got, append([]byte("before"), test.frame.Append(nil)...)) {
			t.Errorf("%s: Append gave %q", test.frame.Type(), got)
		}
		if got := test.frame.AppendJSON(prefix); string(got) != "before"+test.json {
			t.Errorf("%s: AppendJSON gave %q", test.frame.Type(), got)
		}
	}
}
