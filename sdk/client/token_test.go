package client_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk/client"
	"github.com/pushcore/pushcore/sdk/wire"
)

// tokens is a TokenSource that counts.
func tokens(cfg *client.Config) {
	count := 0
	cfg.TokenSource = func(context.Context) (string, error) {
		count++
		return "t" + strconv.Itoa(count), nil
	}
}

func expiring(in time.Duration) wire.Accept {
	a := session("s", false)
	a.ExpiresMS = uint64(time.Now().Add(in).UnixMilli())
	return a
}

func TestTokenIsRefreshedBeforeItExpires(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		cfg := n.config(ignore)
		tokens(&cfg)
		c := start(t, cfg)
		conn, connect := n.accept(expiring(time.Minute))
		if connect.Credentials.Token != "t1" {
			t.Errorf("connects with %q", connect.Credentials.Token)
		}
		began := time.Now()
		var refresh *wire.Refresh
		for refresh == nil {
			switch f := conn.next(time.Hour).(type) {
			case *wire.Ping:
				conn.send(&wire.Pong{Number: f.Number})
			case *wire.Refresh:
				refresh = f
			default:
				t.Fatalf("%+v is sent", f)
			}
		}
		if took := time.Since(began); took != 48*time.Second || refresh.Credentials.Token != "t2" {
			t.Errorf("refreshed with %q after %v of a minute", refresh.Credentials.Token, took)
		}
		conn.send(&wire.Refreshed{ExpiresMS: uint64(time.Now().Add(time.Hour).UnixMilli())})
		conn.Close()
		if _, connect = n.accept(session("s", true)); connect.Credentials.Token != "t2" {
			t.Errorf("connects again with %q", connect.Credentials.Token)
		}
		stop(t, c)
	})
}

func TestExpiredTokenIsReplacedByTheSource(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		cfg := n.config(ignore)
		tokens(&cfg)
		c := start(t, cfg)
		conn, _ := n.accept(session("s", false))
		conn.send(&wire.Close{Code: wire.CodeTokenExpired})
		conn.closed()
		if _, connect := n.accept(session("s", true)); connect.Credentials.Token != "t2" {
			t.Errorf("comes back with %q", connect.Credentials.Token)
		}
		stop(t, c)
	})
}

func TestFailingTokenSourceIsAskedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		cfg := n.config(ignore)
		count := 0
		cfg.TokenSource = func(context.Context) (string, error) {
			if count++; count < 3 {
				return "", errors.New("away")
			}
			return "third", nil
		}
		c := start(t, cfg)
		if _, connect := n.accept(session("s", false)); connect.Credentials.Token != "third" {
			t.Errorf("connects with %q", connect.Credentials.Token)
		}
		stop(t, c)
	})
}

func TestWrongClockDoesNotMakeARefreshStorm(t *testing.T) {
	bubble(t, func(t *testing.T, n *fakeNode) {
		cfg := n.config(ignore)
		tokens(&cfg)
		c := start(t, cfg)
		conn, _ := n.accept(expiring(-time.Hour))
		began := time.Now()
		for range 3 {
			expect[wire.Refresh](conn)
			conn.send(&wire.Refreshed{ExpiresMS: uint64(time.Now().Add(-time.Hour).UnixMilli())})
		}
		if took := time.Since(began); took < 30*time.Second {
			t.Errorf("three tokens were fetched in %v", took)
		}
		stop(t, c)
	})
}
