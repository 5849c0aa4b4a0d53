package rabbitmq

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/sdk"
)

const contentType = "content-type"

// recordOf takes over a delivery: its body and headers are the delivery's own. The
// key is the routing key.
func recordOf(d *amqp.Delivery) sdk.Record {
	r := sdk.Record{
		Position: d.DeliveryTag, Timestamp: d.Timestamp, MessageID: d.MessageId, Redelivered: d.Redelivered,
		Body: d.Body,
	}
	if d.RoutingKey != "" {
		r.Key = []byte(d.RoutingKey)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Headers)) {
		r.Headers = appendHeader(r.Headers, name, d.Headers[name])
	}
	if _, explicit := d.Headers[contentType]; d.ContentType != "" && !explicit {
		r.Headers = append(r.Headers, sdk.Header{Name: contentType, Value: []byte(d.ContentType)})
	}
	return r
}

// appendHeader adds a header for a field's value; for an array one for each
// element.
func appendHeader(headers []sdk.Header, name string, value any) []sdk.Header {
	list, ok := value.([]any)
	if !ok {
		return append(headers, sdk.Header{Name: name, Value: fieldBytes(value)})
	}
	for _, element := range list {
		headers = append(headers, sdk.Header{Name: name, Value: fieldBytes(element)})
	}
	return headers
}

// fieldBytes writes a field's value: texts as they are, numbers in decimal, an
// instant as RFC 3339, what has parts as JSON.
func fieldBytes(value any) []byte {
	switch v := value.(type) {
	case nil:
		return nil
	case string:
		return []byte(v)
	case []byte:
		return v
	case time.Time:
		return v.UTC().AppendFormat(nil, time.RFC3339)
	case amqp.Table, []any:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Append(nil, v)
		}
		return text
	default:
		return fmt.Append(nil, v)
	}
}

// publishing makes a message of a record. Repeated headers become an array, the
// header content-type the property, push-id the message id as well. correlation is
// how a returned message is known again.
func publishing(r *sdk.Outgoing, correlation string) amqp.Publishing {
	p := amqp.Publishing{DeliveryMode: amqp.Persistent, CorrelationId: correlation, Body: r.Body, Timestamp: time.Now()}
	for _, h := range r.Headers {
		switch {
		case h.Name == contentType && p.ContentType == "" && fitsShort(h.Value):
			p.ContentType = string(h.Value)
			continue
		case h.Name == "push-id" && fitsShort(h.Value):
			p.MessageId = string(h.Value)
		}
		if p.Headers == nil {
			p.Headers = make(amqp.Table)
		}
		value := fieldOf(h.Value)
		switch before := p.Headers[h.Name].(type) {
		case nil:
			p.Headers[h.Name] = value
		case []any:
			p.Headers[h.Name] = append(before, value)
		default:
			p.Headers[h.Name] = []any{before, value}
		}
	}
	return p
}

// deadKey is the header of a letter that holds the dead record's key, where the
// letter's own routing key is another.
const deadKey = "push-dead-key"

func keepKey(p *amqp.Publishing, key []byte) {
	if len(key) == 0 {
		return
	}
	if p.Headers == nil {
		p.Headers = make(amqp.Table)
	}
	p.Headers[deadKey] = fieldOf(key)
}

// fitsShort tells whether a value fits the protocol's short strings.
func fitsShort(value []byte) bool { return len(value) <= 255 && utf8.Valid(value) }

func fieldOf(value []byte) any {
	if utf8.Valid(value) {
		return string(value)
	}
	return value
}
