package options

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/pushcore/pushcore/sdk"
)

// TLS is how a plugin connects to a broker by TLS. The empty object means: the
// system's authorities, no certificate of one's own, the broker's host name.
type TLS struct {
	CAFile     string `json:"ca_file"`
	CertFile   string `json:"cert_file"`
	KeyFile    string `json:"key_file"`
	ServerName string `json:"server_name"`
}

// Check returns what is wrong without opening a file; pointer is the object's.
func (t *TLS) Check(pointer string) []sdk.OptionError {
	switch {
	case t == nil || (t.CertFile == "") == (t.KeyFile == ""):
		return nil
	case t.CertFile == "":
		return []sdk.OptionError{{Pointer: pointer + "/key_file", Message: "needs cert_file beside it"}}
	default:
		return []sdk.OptionError{{Pointer: pointer + "/cert_file", Message: "needs key_file beside it"}}
	}
}

// Config reads the files. It is nil for a nil t: no TLS.
func (t *TLS) Config() (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	config := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read tls.ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca_file %s holds no certificate in PEM", t.CAFile)
		}
	}
	if t.CertFile != "" {
		own, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read tls.cert_file and tls.key_file: %w", err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}
