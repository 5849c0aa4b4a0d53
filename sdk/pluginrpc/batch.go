package pluginrpc

import (
	"encoding/binary"

	"github.com/pushcore/pushcore/sdk"
)

const (
	itemSize       = 20
	messageSizeMin = 9 // a byte for each field at least
)

// AppendBatch appends a batch of pushes. What a runtime has put above connections'
// ids does not cross.
func AppendBatch(b []byte, batch *sdk.Batch) []byte {
	start := len(b)
	b = begin(b, KindDeliver, 0, 0, uint64(len(batch.Messages)), uint64(len(batch.Items)))
	for i := range batch.Messages {
		b = appendMessage(b, &batch.Messages[i])
	}
	for i := range batch.Items {
		item := &batch.Items[i]
		b = binary.LittleEndian.AppendUint64(b, uint64(item.Conn&ConnMax))
		b = binary.LittleEndian.AppendUint64(b, item.Seq)
		b = binary.LittleEndian.AppendUint32(b, item.Message)
	}
	return finish(b, start)
}

func appendMessage(b []byte, m *sdk.Message) []byte {
	b = appendString(b, m.ID)
	b = appendString(b, m.Name)
	b = appendUint(b, uint64(m.Class))
	b = appendString(b, m.FromUser)
	b = appendString(b, m.FromGroup)
	b = appendUint(b, m.Position)
	b = appendString(b, m.Codec)
	b = appendHeaders(b, m.Headers)
	return appendBytes(b, m.Payload)
}

// Batch decodes a batch into batch, whose slices it uses again. Payloads and
// header values are parts of the record's body.
func (r *Record) Batch(batch *sdk.Batch) error {
	batch.Messages, batch.Items = batch.Messages[:0], batch.Items[:0]
	if r.Kind != KindDeliver {
		return r.malformed("not a batch")
	}
	if err := r.expect(0, false); err != nil {
		return err
	}
	if r.A > uint64(len(r.Body)/messageSizeMin) || r.B > uint64(len(r.Body)/itemSize) {
		return r.malformed("a list that is longer than its record")
	}
	f := fields{body: r.Body}
	for range r.A {
		batch.Messages = append(batch.Messages, f.message())
	}
	if f.fault == "" && uint64(len(f.body)) != r.B*itemSize {
		f.fail("items that do not fill the record")
	}
	for ; len(f.body) >= itemSize; f.body = f.body[itemSize:] {
		item := sdk.Item{
			Conn:    sdk.ConnID(binary.LittleEndian.Uint64(f.body)),
			Seq:     binary.LittleEndian.Uint64(f.body[8:]),
			Message: binary.LittleEndian.Uint32(f.body[16:]),
		}
		if uint64(item.Message) >= r.A {
			f.fail("an item of a message that is not there")
			break
		}
		batch.Items = append(batch.Items, item)
	}
	return f.end(r)
}

func (f *fields) message() sdk.Message {
	return sdk.Message{
		ID: f.string(), Name: f.string(), Class: sdk.Class(f.enum(uint8(sdk.Fast))),
		FromUser: f.string(), FromGroup: f.string(), Position: f.uint(), Codec: f.string(),
		Headers: f.headers(), Payload: f.bytes(),
	}
}
