package wire

import "encoding/binary"

// Refresh brings new credentials of the same user, before the old ones expire.
//
//	type 4 | credentials
type Refresh struct {
	Credentials Credentials
}

// Type returns TypeRefresh.
func (*Refresh) Type() Type { return TypeRefresh }

// Append implements Frame.
func (f *Refresh) Append(dst []byte) []byte {
	return f.Credentials.append(append(dst, byte(TypeRefresh)))
}

// Parse implements Frame.
func (f *Refresh) Parse(b []byte) error {
	r := readFrame(TypeRefresh, b)
	f.Credentials = r.credentials()
	return r.end()
}

// AppendJSON implements Frame.
func (f *Refresh) AppendJSON(dst []byte) []byte {
	return append(f.Credentials.appendJSON(appendJSONType(dst, TypeRefresh)), '}')
}

var refreshFields = []string{"type", "token", "username", "password"}

// ParseJSON implements Frame.
func (f *Refresh) ParseJSON(b []byte) error {
	*f = Refresh{}
	r := readJSON(TypeRefresh, b)
	fields := jsonFields{names: refreshFields}
	for r.field(&fields) {
		r.credential(fields.name, &f.Credentials)
	}
	r.credentialsEnd(&f.Credentials)
	return r.end()
}

// Refreshed is the result of a REFRESH. One that failed leaves the old
// credentials in force.
//
//	type 5 | code | text | expires_ms
type Refreshed struct {
	Code      Code   // 0: the new credentials are in force.
	Text      string // For people; Append cuts it at TextBytesMax bytes.
	ExpiresMS uint64 // When the credentials in force expire, Unix time; 0: never.
}

// Type returns TypeRefreshed.
func (*Refreshed) Type() Type { return TypeRefreshed }

// Append implements Frame.
func (f *Refreshed) Append(dst []byte) []byte {
	dst = append(dst, byte(TypeRefreshed))
	dst = binary.AppendUvarint(dst, uint64(f.Code))
	dst = appendBytes(dst, clipText(f.Text))
	return binary.AppendUvarint(dst, f.ExpiresMS)
}

// Parse implements Frame.
func (f *Refreshed) Parse(b []byte) error {
	r := readFrame(TypeRefreshed, b)
	*f = Refreshed{
		Code:      Code(r.counter("code", codeMax)),
		Text:      string(r.text("text", 0, TextBytesMax)),
		ExpiresMS: r.counter("expires_ms", InstantMaxMS),
	}
	return r.end()
}

// AppendJSON implements Frame.
func (f *Refreshed) AppendJSON(dst []byte) []byte {
	dst = appendJSONType(dst, TypeRefreshed)
	dst = appendJSONCounter(dst, "code", uint64(f.Code))
	dst = appendJSONText(dst, "text", clipText(f.Text))
	dst = appendJSONInstant(dst, "expires_at", f.ExpiresMS)
	return append(dst, '}')
}

var refreshedFields = []string{"type", "code", "text", "expires_at"}

// ParseJSON implements Frame.
func (f *Refreshed) ParseJSON(b []byte) error {
	*f = Refreshed{}
	r := readJSON(TypeRefreshed, b)
	fields := jsonFields{names: refreshedFields}
	for r.field(&fields) {
		switch fields.name {
		case "code":
			f.Code = Code(r.counter("code", codeMax))
		case "text":
			f.Text = string(r.text("text", TextBytesMax))
		case "expires_at":
			f.ExpiresMS = r.instant("expires_at")
		}
	}
	return r.end()
}
