package shard

import (
	"bytes"

	"github.com/pushcore/pushcore/core/compress"
	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/core/session"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/wire"
)

// form returns the place of a message in the batch, in the shape that the session
// wants. A shape is made once for a message, and stands once in a batch.
func (s *Shard) form(ses *session.Session, part *session.Part, from uint16, batch *sdk.Batch) uint32 {
	key := session.FormKey{Plugin: uint16(ses.Plugin), From: from, Codec: ses.Codec, Headers: ses.Headers}
	var f *session.Form
	for i := range part.Forms {
		if part.Forms[i].Key == key {
			f = &part.Forms[i]
			break
		}
	}
	if f == nil {
		part.Forms = append(part.Forms, session.Form{Key: key})
		f = &part.Forms[len(part.Forms)-1]
		f.Payload, f.Compressed = s.pack(part, ses.Codec)
	}
	if f.Batch != s.batch+1 {
		f.Batch = s.batch + 1
		f.Index = uint32(len(batch.Messages))
		batch.Messages = append(batch.Messages, s.message(part, f))
	}
	return f.Index
}

// pack compresses a payload, once for a codec.
func (s *Shard) pack(part *session.Part, number uint8) ([]byte, bool) {
	payload := part.Message.Payload
	codec, ok := s.codecs.Number(compress.Number(number))
	if !ok || len(payload) < compress.Threshold {
		return payload, false
	}
	for i := range part.Forms {
		if f := &part.Forms[i]; f.Key.Codec == number && f.Payload != nil {
			return f.Payload, f.Compressed
		}
	}
	packed, shrunk := codec.Compress(s.packed[:0], payload)
	s.packed = packed[:0]
	if !shrunk {
		return payload, false
	}
	return bytes.Clone(packed), true
}

func (s *Shard) message(part *session.Part, f *session.Form) sdk.Message {
	m := part.Message
	out := sdk.Message{ID: m.ID, Name: m.Name, Class: m.Class, Payload: f.Payload, Headers: s.forwarded(m, f.Key.Headers)}
	if f.Compressed {
		out.Codec = compress.Number(f.Key.Codec).Name()
	}
	if int(f.Key.From) < len(m.To) {
		switch to := &m.To[f.Key.From]; to.Kind {
		case wire.User:
			out.FromUser = to.ID
		case wire.Group:
			out.FromGroup, out.Position = to.ID, m.Position(int(f.Key.From))
		}
	}
	if part.Replayed > 0 {
		out.Class, out.Position = sdk.Fast, part.Replayed
	}
	return out
}

// forwarded are the record's headers that a device asked for.
func (s *Shard) forwarded(m *envelope.Message, mask uint64) []sdk.Header {
	if mask == 0 {
		return nil
	}
	var out []sdk.Header
	for _, h := range m.Headers {
		for i, name := range s.cfg.ForwardHeaders {
			if mask&(1<<i) != 0 && h.Name == name && wire.ValidHeader(h.Name, h.Value) && len(out) < wire.HeadersMax {
				out = append(out, h)
			}
		}
	}
	return out
}
