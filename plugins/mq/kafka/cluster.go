package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/pushcore/pushcore/plugins/mq/internal/dial"
	"github.com/pushcore/pushcore/sdk"
)

const (
	dialTimeout  = 5 * time.Second
	callTimeout  = 5 * time.Second // one call, one answer
	metadataTTL  = 2 * time.Second // how old the library's picture of the topics may be
	probeTimeout = 5 * time.Second // how long Open waits for the cluster
	clientID     = "pushcore"
)

// cluster is the way to the brokers, shared by the consumer and the outputs.
type cluster struct {
	brokers   []string
	dial      *dial.Dialer
	tls       *tls.Config
	mechanism sasl.Mechanism
	client    *kafka.Client // metadata, offsets, fetching
	producer  *kafka.Client // the same with a timeout, half of which is the broker's for its replicas
	transport *kafka.Transport
	log       *slog.Logger
}

func newCluster(o *Options, log *slog.Logger) (*cluster, error) {
	config, err := o.TLS.Config()
	if err != nil {
		return nil, err
	}
	mechanism, err := o.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	if o.SASL != nil && o.SASL.Mechanism == "plain" && o.TLS == nil {
		log.Warn("the password goes to the brokers in clear text: sasl plain without tls")
	}
	c := &cluster{brokers: o.Brokers, tls: config, mechanism: mechanism, log: log, dial: dial.New()}
	c.transport = &kafka.Transport{
		Dial: c.dial.Dial, DialTimeout: dialTimeout, ClientID: clientID, TLS: config, SASL: mechanism,
		MetadataTTL: metadataTTL, MetadataTopics: o.topics(),
	}
	c.client = &kafka.Client{Addr: kafka.TCP(o.Brokers...), Transport: c.transport}
	c.producer = &kafka.Client{Addr: c.client.Addr, Transport: c.transport, Timeout: 2 * callTimeout}
	return c, nil
}

// topics are all that are used: the metadata of no other is asked for.
func (o *Options) topics() []string {
	var all []string
	if o.Input != nil {
		all = append(all, o.Input.Topics...)
	}
	for _, out := range o.outputs() {
		all = append(all, out.Topic)
	}
	return all
}

func (s *SASL) mechanism() (sasl.Mechanism, error) {
	switch {
	case s == nil:
		return nil, nil
	case s.Mechanism == "plain":
		return plain.Mechanism{Username: s.Username, Password: s.Password}, nil
	case s.Mechanism == "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.Username, s.Password)
	default:
		return scram.Mechanism(scram.SHA512, s.Username, s.Password)
	}
}

// dialer is for the consumer group, which has a client of its own.
func (c *cluster) dialer() *kafka.Dialer {
	return &kafka.Dialer{ClientID: clientID, Timeout: dialTimeout, DialFunc: c.dial.Dial, TLS: c.tls, SASLMechanism: c.mechanism}
}

// close ends what is idle and whatever is left.
func (c *cluster) close() {
	c.transport.CloseIdleConnections()
	c.dial.Cut()
}

// layout is the number of partitions of each topic that is there.
type layout map[string]int

// layout asks for the topics; those that do not exist are missing in the answer.
func (c *cluster) layout(ctx context.Context, topics []string) (layout, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, c.explain(err)
	}
	found := make(layout)
	for _, topic := range answer.Topics {
		switch {
		case topic.Error == nil:
			found[topic.Name] = len(topic.Partitions)
		case errors.Is(topic.Error, kafka.UnknownTopicOrPartition):
		case errors.Is(topic.Error, kafka.LeaderNotAvailable): // being created
		default:
			return nil, fmt.Errorf("topic %s: %w", topic.Name, topic.Error)
		}
	}
	return found, nil
}

// ping asks for something that the library does not answer from what it remembers.
func (c *cluster) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err != nil {
		return c.explain(err)
	}
	return nil
}

// explain says which cluster an error is about.
func (c *cluster) explain(err error) error {
	return fmt.Errorf("brokers %s: %w", strings.Join(c.brokers, ", "), err)
}

// final tells errors that will not mend themselves.
func final(err error) bool {
	var certificate *tls.CertificateVerificationError
	var refused *refusal
	return errors.As(err, &refused) || errors.As(err, &certificate) ||
		errors.Is(err, kafka.SASLAuthenticationFailed) || errors.Is(err, kafka.UnsupportedSASLMechanism)
}

// refusal is a state of the cluster that the operator has to decide on.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

func refuse(format string, args ...any) error { return &refusal{text: fmt.Sprintf(format, args...)} }

// watch keeps the status of an instance without an input, for which nothing else
// would notice that the cluster is away.
func (c *cluster) watch(ctx context.Context, h sdk.MQHost) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if err := c.ping(ctx); err == nil {
			h.Status(true, "publishing only")
		} else if ctx.Err() == nil {
			h.Status(false, err.Error())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
