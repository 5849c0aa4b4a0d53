package brokers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// KafkaBroker is one Apache Kafka node, broker and controller in one process, without auto-created topics.
type KafkaBroker struct {
	broker
	addr       string
	secureAddr string // "" without Secure
	caFile     string // "" without Secure
}

// Kafka starts a node for this test alone. It returns when the node serves, groups included; it ends with the test.
func Kafka(t testing.TB, opts ...Option) *KafkaBroker {
	t.Helper()
	b, err := startKafka(t.TempDir(), optionsOf(opts))
	orEnd(t, "Kafka", err)
	own(t, b.server)
	b.t = t
	return b
}

// Addr is the plain listener, host:port.
func (b *KafkaBroker) Addr() string { return b.addr }

// SecureAddr is the listener of the option Secure: TLS with the certificate in CAFile, then SASL, PLAIN or SCRAM-SHA-512,
// with Username and Password.
func (b *KafkaBroker) SecureAddr() string { return b.secureAddr }

// CAFile names the PEM file with the certificate that clients of SecureAddr must trust.
func (b *KafkaBroker) CAFile() string { return b.caFile }

// startKafka formats the data directory and starts the node. Its t is the caller's to set.
func startKafka(dir string, o options) (*KafkaBroker, error) {
	install, err := findKafka()
	if err != nil {
		return nil, err
	}
	ports, err := leasePorts(3)
	if err != nil {
		return nil, err
	}
	b := newKafka(dir, ports, install)
	if err = b.prepare(o, install); err == nil {
		err = b.server.start()
	}
	if err != nil {
		return nil, errors.Join(err, b.server.close())
	}
	return b, nil
}

func newKafka(dir string, ports []port, install kafkaInstall) *KafkaBroker {
	b := &KafkaBroker{addr: ports[0].addr()}
	b.server = &server{
		name:    "Kafka",
		dir:     dir,
		ports:   ports,
		command: func() *exec.Cmd { return install.command(dir, "kafka.Kafka", kafkaSettingsFile(dir)) },
		ready: func(ctx context.Context) error {
			client, done := b.client()
			defer done()
			return kafkaReady(ctx, client)
		},
	}
	return b
}

// prepare writes the configuration and formats the data directory.
func (b *KafkaBroker) prepare(o options, install kafkaInstall) error {
	dir := b.server.dir
	settings := kafkaSettings{addr: b.addr, controllerAddr: b.server.ports[1].addr(), dataDir: filepath.Join(dir, "data")}
	format := []string{"kafka.tools.StorageTool", "format", "--cluster-id", kafkaClusterID, "--config", kafkaSettingsFile(dir)}
	if o.secure {
		cert, err := newCertificate(dir)
		if err != nil {
			return err
		}
		b.secureAddr, b.caFile = b.server.ports[2].addr(), cert.certFile
		settings.secureAddr, settings.keyStore = b.secureAddr, cert.bothFile
		format = append(format, "--add-scram", fmt.Sprintf("SCRAM-SHA-512=[name=%s,password=%s]", Username, Password))
	}
	settings.more = o.settings
	if err := os.WriteFile(kafkaSettingsFile(dir), []byte(settings.String()), 0o600); err != nil {
		return err
	}
	p, err := startProcess(install.command(dir, format...), b.server.log())
	if err != nil {
		return err
	}
	<-p.done
	if p.err != nil {
		return fmt.Errorf("format the data directory: %w\n%s", p.err, b.server.logTail())
	}
	return nil
}
