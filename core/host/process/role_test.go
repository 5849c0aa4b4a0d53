package process

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/serve"
)

// roleKey names what the test binary plays when it is executed as a plugin.
const roleKey = "ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleKey); role != "" {
		play(role)
		return
	}
	goleak.VerifyTestMain(m)
}

// play runs the test binary as a plugin.
func play(role string) {
	fmt.Println("this would be taken for a handshake")
	if hosted, ok := strings.CutPrefix(role, "host of "); ok {
		hostOf(hosted)
	}
	p := &actor{role: role}
	if role == "ignores SIGTERM" {
		signal.Ignore(syscall.SIGTERM)
	}
	serve.Main(p)
}

// actor is a plugin that behaves as its role says.
type actor struct{ role string }

var _ sdk.Plugin = (*actor)(nil)

func (a *actor) Info() sdk.Info {
	i := sdk.Info{
		Name: "actor", Kind: sdk.KindMQ, Version: "1.2.3", APIVersion: sdk.APIVersion,
		Capabilities: []string{sdk.CapLetters}, Schema: []byte(`{"type":"object"}`),
	}
	switch a.role {
	case "another API":
		i.APIVersion = "2.0"
	case "newer minor API":
		i.APIVersion = "1.7"
	case "unknown kind":
		i.Kind = "database"
	case "bad schema":
		i.Schema = []byte("{")
	case "hangs in Info":
		select {}
	}
	return i
}

func (a *actor) Configure(options []byte) (sdk.Setup, []sdk.OptionError) {
	switch a.role {
	case "panics in Configure":
		panic("no such option")
	case "exits in Configure":
		fmt.Fprintln(os.Stderr, "a licence is missing")
		os.Exit(7)
	case "environment":
		return sdk.Setup{Listen: os.Environ()}, nil
	case "descriptors":
		return sdk.Setup{Listen: inherited()}, nil
	case "eats memory":
		go eat()
	case "has a child":
		return sdk.Setup{Listen: []string{fmt.Sprint(spawn())}}, nil
	case "floods":
		go flood()
	case "shouts":
		go shout()
	case "chatters":
		go chatter()
	}
	if bytes.Contains(options, []byte("wrong")) {
		return sdk.Setup{}, []sdk.OptionError{{Pointer: "/brokers/0", Message: "is wrong"}}
	}
	return sdk.Setup{
		Input: &sdk.InputOptions{Format: "json", Allow: []string{"push"}, MaxSpan: 7}, Outputs: []sdk.Output{sdk.OutputUplink},
	}, nil
}

func (a *actor) Close(time.Time) error {
	switch a.role {
	case "hangs in Close":
		select {}
	case "fails in Close":
		return errors.New("the broker has gone")
	}
	return nil
}

// log keeps what is logged.
type log struct {
	mu    sync.Mutex // guards buffer
	text  bytes.Buffer
	grown chan struct{} // holds one token when there is more
}

func newLog() *log { return &log{grown: make(chan struct{}, 1)} }

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.grown <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the log has the text.
func (l *log) await(t *testing.T, text string) {
	t.Helper()
	late := time.After(patience)
	for !strings.Contains(l.String(), text) {
		select {
		case <-l.grown:
		case <-late:
			t.Fatalf("never logged %q, but\n%s", text, l)
		}
	}
}

// patience bounds what ought to happen soon.
const patience = 20 * time.Second
