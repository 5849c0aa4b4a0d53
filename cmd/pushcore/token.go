package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"

	"github.com/pushcore/pushcore/sdk"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Make API keys, static tokens and JWTs"}
	cmd.AddCommand(newTokenNew(), newTokenSign())
	return cmd
}

func newTokenNew() *cobra.Command {
	return &cobra.Command{
		Use: "new", Short: "Make a random key and its SHA-256, for http.keys or auth.static", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw := make([]byte, 32)
			_, _ = rand.Read(raw) // It never fails.
			key := base64.RawURLEncoding.EncodeToString(raw)
			sum := sha256.Sum256([]byte(key))
			out := struct {
				Token  string `json:"token"`
				SHA256 string `json:"sha256"`
			}{key, hex.EncodeToString(sum[:])}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), out)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "token:  %s   (give it to who connects; it cannot be shown again)\nsha256: %s   (goes into the config)\n", out.Token, out.SHA256)
			return err
		},
	}
}

// signOptions are the claims and the key of a JWT to make.
type signOptions struct {
	issuer, audience, user, device, platform string
	groups                                   []string
	ttl, alg, kid, secretFile, keyFile       string
}

func newTokenSign() *cobra.Command {
	var o signOptions
	cmd := &cobra.Command{
		Use: "sign --user USER (--secret-file FILE | --key-file FILE)", Short: "Sign a JWT for a device, for tests and trials", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token, err := o.sign(time.Now())
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), map[string]string{"token": token})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.issuer, "issuer", "", "iss")
	f.StringVar(&o.audience, "audience", "", "aud")
	f.StringVar(&o.user, "user", "", "sub")
	f.StringVar(&o.device, "device", "", "device")
	f.StringVar(&o.platform, "platform", "", "platform")
	f.StringSliceVar(&o.groups, "group", nil, "groups, repeated or as a comma list")
	f.StringVar(&o.ttl, "ttl", "1h", "until exp")
	f.StringVar(&o.alg, "alg", "HS256", "signature algorithm")
	f.StringVar(&o.kid, "kid", "", "key id")
	f.StringVar(&o.secretFile, "secret-file", "", "file with the shared secret (HS*)")
	f.StringVar(&o.keyFile, "key-file", "", "file with the private key in PEM (the others)")
	cmd.MarkFlagsMutuallyExclusive("secret-file", "key-file")
	return cmd
}

func (o *signOptions) sign(now time.Time) (string, error) {
	if o.user == "" {
		return "", usage(errors.New("--user is needed"))
	}
	ttl, err := sdk.ParseDuration(o.ttl)
	if err != nil {
		return "", usage(fmt.Errorf("--ttl: %w", err))
	}
	method := jwt.GetSigningMethod(o.alg)
	if method == nil || o.alg == "none" {
		return "", usage(fmt.Errorf("--alg %q is not known", o.alg))
	}
	key, err := o.key()
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{"sub": o.user, "iat": now.Unix(), "exp": now.Add(time.Duration(ttl)).Unix()}
	for name, value := range map[string]string{"iss": o.issuer, "aud": o.audience, "device": o.device, "platform": o.platform} {
		if value != "" {
			claims[name] = value
		}
	}
	if len(o.groups) > 0 {
		claims["groups"] = o.groups
	}
	token := jwt.NewWithClaims(method, claims)
	if o.kid != "" {
		token.Header["kid"] = o.kid
	}
	return token.SignedString(key)
}

func (o *signOptions) key() (any, error) {
	if strings.HasPrefix(o.alg, "HS") {
		if o.secretFile == "" {
			return nil, usage(errors.New("--secret-file is needed for " + o.alg))
		}
		return os.ReadFile(o.secretFile)
	}
	if o.keyFile == "" {
		return nil, usage(errors.New("--key-file is needed for " + o.alg))
	}
	pem, err := os.ReadFile(o.keyFile)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(o.alg, "ES"):
		return jwt.ParseECPrivateKeyFromPEM(pem)
	case o.alg == "EdDSA":
		return jwt.ParseEdPrivateKeyFromPEM(pem)
	default:
		return jwt.ParseRSAPrivateKeyFromPEM(pem)
	}
}
