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

// RabbitBroker is one RabbitMQ node without plugins. Before Kill, a new quorum queue needs WaitQuorumQueue.
type RabbitBroker struct {
	broker
	addr       string
	secureAddr string // "" without Secure
	caFile     string // "" without Secure
}

// RabbitMQ starts a node for this test alone. It returns when the node serves; it ends with the test.
func RabbitMQ(t testing.TB, opts ...Option) *RabbitBroker {
	t.Helper()
	b, err := startRabbitMQ(t.TempDir(), optionsOf(opts))
	orEnd(t, "RabbitMQ", err)
	own(t, b.server)
	b.t = t
	return b
}

// Addr is the plain listener, host:port.
func (b *RabbitBroker) Addr() string { return b.addr }

// URL is the plain listener with a user who may do everything.
func (b *RabbitBroker) URL() string {
	return fmt.Sprintf("amqp://%s:%s@%s/", Username, Password, b.addr)
}

// SecureURL is the listener of the option Secure: TLS with the certificate in CAFile.
func (b *RabbitBroker) SecureURL() string {
	return fmt.Sprintf("amqps://%s:%s@%s/", Username, Password, b.secureAddr)
}

// CAFile names the PEM file with the certificate that clients of SecureURL must trust.
func (b *RabbitBroker) CAFile() string { return b.caFile }

// startRabbitMQ starts a node and the port mapper it needs. Its t is the caller's to set.
func startRabbitMQ(dir string, o options) (*RabbitBroker, error) {
	install, err := findRabbitMQ()
	if err != nil {
		return nil, err
	}
	ports, err := leasePorts(4)
	if err != nil {
		return nil, err
	}
	b := newRabbitMQ(dir, ports, install)
	err = b.prepare(o)
	if err == nil {
		err = b.startPortMapper(install)
	}
	if err == nil {
		err = b.server.start()
	}
	if err != nil {
		return nil, errors.Join(err, b.server.close())
	}
	return b, nil
}

func newRabbitMQ(dir string, ports []port, install rabbitInstall) *RabbitBroker {
	b := &RabbitBroker{addr: ports[0].addr()}
	b.server = &server{
		name:    "RabbitMQ",
		dir:     dir,
		ports:   ports,
		command: func() *exec.Cmd { return install.server(dir, ports[1].number, ports[2].number) },
		ready:   func(ctx context.Context) error { return rabbitReady(ctx, b.URL()) },
	}
	return b
}

// prepare writes the configuration files.
func (b *RabbitBroker) prepare(o options) error {
	dir := b.server.dir
	settings := rabbitSettings{addr: b.addr, more: o.settings}
	if o.secure {
		cert, err := newCertificate(dir)
		if err != nil {
			return err
		}
		b.secureAddr, b.caFile = b.server.ports[3].addr(), cert.certFile
		settings.secureAddr, settings.certificate = b.secureAddr, cert
	}
	for file, content := range map[string]string{
		rabbitSettingsFile: settings.String(),
		rabbitPluginsFile:  "[].\n",
		rabbitEnvFile:      "",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// startPortMapper starts epmd in the foreground. Without one of our own the node would start one as a daemon, which stays.
func (b *RabbitBroker) startPortMapper(install rabbitInstall) error {
	p, err := startProcess(install.portMapper(b.server.dir, b.server.ports[1].number), b.server.log())
	if err == nil {
		b.server.helpers = append(b.server.helpers, p)
	}
	return err
}
