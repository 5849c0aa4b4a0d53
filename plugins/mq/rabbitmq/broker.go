package rabbitmq

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/dial"
	"github.com/pushcore/pushcore/sdk"
)

const (
	dialTimeout  = 5 * time.Second // to open a connection, TLS and log-in included
	closeTimeout = 2 * time.Second // to end one in good order
	heartbeat    = 5 * time.Second // a broker that is silent three times as long is gone
)

// broker is the way to RabbitMQ, shared by what consumes and what publishes.
type broker struct {
	url    string
	where  string // the URL without its password, for people
	config amqp.Config
	dialer *dial.Dialer
	host   sdk.MQHost
	epoch  atomic.Uint64 // the last that was given out

	mu       sync.Mutex // guards troubles and notes
	troubles trouble
	notes    trouble
}

// trouble is what is wrong, by who found it, in the order of names.
type trouble map[string]string

func newBroker(o *Options, h sdk.MQHost) (*broker, error) {
	uri, err := amqp.ParseURI(o.URL)
	if err != nil {
		return nil, errors.New("url is no AMQP URL") // The parser's error may quote the password.
	}
	config, err := o.TLS.Config()
	if err != nil {
		return nil, err
	}
	b := &broker{
		url: o.URL, where: fmt.Sprintf("%s://%s%s", uri.Scheme, net.JoinHostPort(uri.Host, fmt.Sprint(uri.Port)), "/"+strings.TrimPrefix(uri.Vhost, "/")),
		dialer: dial.New(), host: h, troubles: make(trouble), notes: make(trouble),
	}
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName("pushcore")
	b.config = amqp.Config{Heartbeat: heartbeat, Locale: "en_US", TLSClientConfig: config, Properties: properties}
	return b, nil
}

// connect opens a connection.
func (b *broker) connect(ctx context.Context) (*amqp.Connection, error) {
	config := b.config
	config.Properties = maps.Clone(config.Properties) // The library writes its capabilities into it.
	if config.TLSClientConfig != nil {
		config.TLSClientConfig = config.TLSClientConfig.Clone() // The library writes the server's name into it.
	}
	config.Dial = func(network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		conn, err := b.dialer.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		// For TLS and log-in; the library clears it when these are done.
		return conn, conn.SetDeadline(time.Now().Add(dialTimeout))
	}
	conn, err := amqp.DialConfig(b.url, config)
	if err != nil {
		return nil, fmt.Errorf("broker %s: %w", b.where, err)
	}
	return conn, nil
}

// report says what is wrong in one part of the plugin, or with "" that nothing is.
func (b *broker) report(part, text string) { b.tell(b.troubles, part, text) }

// note says what people should know although it is no fault.
func (b *broker) note(part, text string) { b.tell(b.notes, part, text) }

func (b *broker) tell(list trouble, part, text string) {
	b.mu.Lock()
	if text == "" {
		delete(list, part)
	} else {
		list[part] = text
	}
	up, all := len(b.troubles) == 0, b.troubles.String()
	if up {
		all = b.notes.String()
	}
	b.mu.Unlock()
	b.host.Status(up, all)
}

// String is all that is wrong in one line.
func (t trouble) String() string {
	var all []string
	for _, part := range sortedKeys(t) {
		all = append(all, t[part])
	}
	return strings.Join(all, "; ")
}

// final tells errors that will not mend themselves.
func final(err error) bool {
	var certificate *tls.CertificateVerificationError
	var refused *refusal
	return errors.As(err, &refused) || errors.As(err, &certificate) ||
		errors.Is(err, amqp.ErrCredentials) || errors.Is(err, amqp.ErrVhost) || errors.Is(err, amqp.ErrSASL)
}

// refusal is a state of the broker that the operator has to decide on.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

// isCode tells whether the broker closed with a code.
func isCode(err error, code int) bool {
	var closed *amqp.Error
	return errors.As(err, &closed) && closed.Code == code
}
