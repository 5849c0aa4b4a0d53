package brokers

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared holds the brokers that all tests of one test binary use. Each is started by the first test that asks for it.
var shared struct {
	mu       sync.Mutex // guards what follows
	inMain   bool       // Stopping's Run is under way, so somebody will stop them
	kafka    started[*KafkaBroker]
	rabbitmq started[*RabbitBroker]
}

// started is the outcome of the one attempt to start a shared broker.
type started[B any] struct {
	tried  bool
	broker B
	dir    string
	err    error
}

// SharedKafka is like Kafka, but one node for all tests of the package: tests take topics and groups of their own, and must
// not kill, stop or pause it. The package's TestMain calls Main or Stopping.
func SharedKafka(t testing.TB) *KafkaBroker {
	t.Helper()
	b, err := startShared(&shared.kafka, startKafka)
	orEnd(t, "the shared Kafka", err)
	own := *b
	own.t, own.shared = t, true
	return &own
}

// SharedRabbitMQ is like RabbitMQ, but one node for all tests of the package: see SharedKafka.
func SharedRabbitMQ(t testing.TB) *RabbitBroker {
	t.Helper()
	b, err := startShared(&shared.rabbitmq, startRabbitMQ)
	orEnd(t, "the shared RabbitMQ", err)
	own := *b
	own.t, own.shared = t, true
	return &own
}

func startShared[B any](s *started[B], start func(dir string, o options) (B, error)) (B, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.inMain {
		return s.broker, errors.New("nobody would stop it: the package needs func TestMain(m *testing.M) { brokers.Main(m) }")
	}
	if !s.tried {
		s.tried = true
		if s.dir, s.err = os.MkdirTemp("", "pushcore-broker-"); s.err == nil {
			s.broker, s.err = start(s.dir, options{})
		}
	}
	return s.broker, s.err
}

// Runner is *testing.M or a wrapper of it.
type Runner interface{ Run() (code int) }

// Main is the body of a TestMain: it runs the tests, stops the shared brokers and exits.
func Main(m Runner) { os.Exit(Stopping(m).Run()) }

// Stopping is for a TestMain that has more to do: it wraps m so that Run stops the shared brokers after the tests, as in
// goleak.VerifyTestMain(brokers.Stopping(m)).
func Stopping(m Runner) Runner { return stopping{m} }

type stopping struct{ tests Runner }

func (s stopping) Run() int {
	setInMain(true)
	code := s.tests.Run()
	setInMain(false)
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, "stop shared brokers:", err)
		return max(code, 1)
	}
	return code
}

func setInMain(in bool) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.inMain = in
}

func stopShared() error {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	var errs []error
	if b := shared.kafka.broker; b != nil {
		errs = append(errs, b.server.close())
	}
	if b := shared.rabbitmq.broker; b != nil {
		errs = append(errs, b.server.close())
	}
	for _, dir := range []string{shared.kafka.dir, shared.rabbitmq.dir} {
		if dir != "" {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}
