package pluginrpc

import "github.com/pushcore/pushcore/sdk"

// splitter cuts batches into records of bounded length. The order of items stays;
// a message is repeated in each record whose items use it.
type splitter struct {
	bodyMax int

	part  sdk.Batch
	place []uint32 // by message of the whole: 1 + its place in part, or 0
}

// append appends batch as one record, or as several if it would be too long. A
// single message above the bound is a record of its own.
func (s *splitter) append(b []byte, batch *sdk.Batch) []byte {
	total := len(batch.Items) * itemSize
	for i := range batch.Messages {
		total += messageSize(&batch.Messages[i])
	}
	if total <= s.bodyMax {
		return AppendBatch(b, batch)
	}
	s.place = append(s.place[:0], make([]uint32, len(batch.Messages))...)
	size := 0
	for _, item := range batch.Items {
		grow := itemSize
		if s.place[item.Message] == 0 {
			grow += messageSize(&batch.Messages[item.Message])
		}
		if size+grow > s.bodyMax && len(s.part.Items) > 0 {
			b = AppendBatch(b, &s.part)
			s.reset()
			size, grow = 0, itemSize+messageSize(&batch.Messages[item.Message])
		}
		if s.place[item.Message] == 0 {
			s.part.Messages = append(s.part.Messages, batch.Messages[item.Message])
			s.place[item.Message] = uint32(len(s.part.Messages))
		}
		item.Message = s.place[item.Message] - 1
		s.part.Items = append(s.part.Items, item)
		size += grow
	}
	b = AppendBatch(b, &s.part)
	s.reset()
	return b
}

func (s *splitter) reset() {
	clear(s.part.Messages)
	s.part.Messages, s.part.Items = s.part.Messages[:0], s.part.Items[:0]
	clear(s.place)
}

// messageSize is at least what a message takes in a body.
func messageSize(m *sdk.Message) int {
	const number = 10 // the longest varint
	n := 9*number + len(m.ID) + len(m.Name) + len(m.FromUser) + len(m.FromGroup) + len(m.Codec) + len(m.Payload)
	for i := range m.Headers {
		n += 2*number + len(m.Headers[i].Name) + len(m.Headers[i].Value)
	}
	return n
}
