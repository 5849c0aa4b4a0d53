package admin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

// TLS names the files of a TLS listener; ClientCAFile, if set, makes client
// certificates a must.
type TLS struct{ CertFile, KeyFile, ClientCAFile string }

// Listener is one HTTP server of the node.
type Listener struct {
	Name   string // for messages
	URL    string
	server *http.Server
	ended  chan struct{} // closed when Serve has returned
}

// Listen binds an address and serves it, from a goroutine of its own, until Close.
func Listen(name, address string, t *TLS, h http.Handler, log *slog.Logger) (*Listener, error) {
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: listen on %s: %w", name, address, err)
	}
	l := &Listener{Name: name, URL: "http://" + socket.Addr().String(), ended: make(chan struct{})}
	if t != nil {
		settings, err := tlsSettings(t)
		if err != nil {
			_ = socket.Close() // Nothing was served on it.
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		socket = tls.NewListener(socket, settings)
		l.URL = "https://" + socket.Addr().String()
	}
	l.server = &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 20,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if a, ok := socket.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		l.server.BaseContext = func(net.Listener) context.Context { return context.WithValue(context.Background(), exposedKey{}, true) }
	}
	go l.serve(socket, log)
	return l, nil
}

func (l *Listener) serve(socket net.Listener, log *slog.Logger) {
	defer close(l.ended)
	if err := l.server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		log.Error("the HTTP server has ended", "name", l.Name, "error", err)
	}
}

// Close lets requests under way finish until ctx ends.
func (l *Listener) Close(ctx context.Context) {
	if err := l.server.Shutdown(ctx); err != nil {
		_ = l.server.Close() // What is left is cut.
	}
	<-l.ended
}

func tlsSettings(t *TLS) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if t.ClientCAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(t.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls: no certificate in %s", t.ClientCAFile)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c, nil
}
