//go:build linux

package driver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/plugintest"
)

// asDriver makes the test binary be a driver that behaves as the variable says.
const asDriver = "PLUGINTEST_AS_DRIVER"

func TestMain(m *testing.M) {
	if how := os.Getenv(asDriver); how != "" {
		behave(how)
		return
	}
	goleak.VerifyTestMain(m)
}

const ready = `{"event":"ready","protocol":1}`

// behave is a driver's process.
func behave(how string) {
	switch how {
	case "good":
		fail(Serve(echoDriver{}, []plugintest.Ability{plugintest.Nacks}, os.Stdin, os.Stdout))
	case "broker":
		fail(ServeBroker(newMemoryPlace, true, []plugintest.Ability{plugintest.Cuts}, os.Stdin, os.Stdout))
	case "says nothing":
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "ends at once":
		fmt.Fprintln(os.Stderr, "no module named foo")
		os.Exit(3)
	case "closes its output":
		_ = os.Stdout.Close()
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "leaves a child":
		child := exec.Command("sleep", "600")
		child.Stdout = os.Stdout
		fail(child.Start())
		fail(os.WriteFile(os.Getenv("CHILD"), []byte(strconv.Itoa(child.Process.Pid)), 0o600))
		fmt.Println(ready)
		select {}
	default: // The lines to say: the first at once, the others one after each command.
		lines := strings.Split(how, "\n")
		fmt.Println(lines[0])
		for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
			if lines = lines[1:]; len(lines) == 0 {
				break
			}
			switch lines[0] {
			case "dies within a line":
				fmt.Print(`{"event":"do`)
				fmt.Fprintln(os.Stderr, "Traceback: it hurts")
				os.Exit(3)
			case "dies":
				fmt.Fprintln(os.Stderr, "Traceback: it hurts")
				os.Exit(3)
			case "floods":
				for {
					fmt.Println(`{"event":"message","conn":1,"payload":"x"}`)
				}
			case "hangs":
				select {}
			}
			fmt.Println(lines[0])
		}
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func start(t *testing.T, how string, patience time.Duration) (*Process, error) {
	t.Helper()
	t.Setenv(asDriver, how)
	return Start([]string{os.Args[0]}, patience)
}

func TestDriverThatDoesNotBeginSaysWhy(t *testing.T) {
	for how, want := range map[string]string{
		"says nothing":                         `has not said {"event":"ready",…} within 300ms`,
		"ends at once":                         "the driver has ended (exit status 3); its last words: no module named foo",
		"closes its output":                    "has closed its standard output, and lives on",
		"Hello!":                               "line 1 of the driver: not a JSON object",
		`{"event":"reday","protocol":1}`:       `line 1 of the driver: unknown event "reday", did you mean "ready"?`,
		`{"event":"ready"}`:                    `event "ready" needs "protocol"`,
		`{"event":"ready","protocol":2}`:       "it speaks protocol 2, the kit protocol 1",
		`{"event":"opened","conn":1}`:          `the first event is "ready"`,
		ready[:29] + `,"lacks":["stals"]}`:     `unknown ability "stals", did you mean "stalls"?`,
		`{"event":"ready","protocol":null}`:    `"protocol" is null`,
		`{"event":"ready","protocol":1} {}`:    "line 1 of the driver",
		`{"event":"ready","protocol":1,"x":1}`: `unknown field "x"`,
	} {
		t.Run(how, func(t *testing.T) {
			patience := 20 * time.Second
			if how == "says nothing" {
				patience = 300 * time.Millisecond
			}
			p, err := start(t, how, patience)
			if err == nil {
				p.Close()
				t.Fatal("it has begun")
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error is\n%v\nand not\n%s", err, want)
			}
		})
	}
}

func TestCommandThatIsNotThere(t *testing.T) {
	if _, err := Start([]string{"/no/such/driver"}, 0); err == nil || !strings.Contains(err.Error(), "/no/such/driver") {
		t.Error(err)
	}
}

// TestDriverAtFaultIsOneMessage has a driver fail in the answer to its first
// command: the caller, Fault and the next Begin say what was wrong.
func TestDriverAtFaultIsOneMessage(t *testing.T) {
	for how, want := range map[string]string{
		"dies":                                 "the driver has ended (exit status 3); its last words: Traceback: it hurts",
		"dies within a line":                   "the driver has ended (exit status 3); its last words: Traceback: it hurts",
		"floods":                               "it says too much: more than 200000 lines or 256 MiB in one trial",
		"hangs":                                "the driver has not answered command 2, open, within 1s",
		"oops":                                 "line 2 of the driver: not a JSON object",
		`{"event":"opend","conn":1}`:           `line 2 of the driver: unknown event "opend", did you mean "opened"?: {"event":"opend","conn":1}`,
		`{"event":"opened"}`:                   `event "opened" needs "conn"`,
		`{"event":"opened","conn":7}`:          "there is no connection 7",
		`{"event":"opened","conn":1,"id":"x"}`: `event "opened" has no field "id"`,
		`{"event":"done","n":9}`:               "command 9 waits for no answer",
		`{"event":"message","conn":1,"payload":"a","payload_base64":"YQ=="}`: "payload and payload_base64 exclude each other",
		`{"event":"message","conn":1,"payload_base64":"*"}`:                  "payload_base64: illegal base64",
		`{"event":"placed","n":2,"options":{},"sources":[]}`:                 "",
		ready: `a second "ready"`,
	} {
		t.Run(how, func(t *testing.T) {
			patience := 30 * time.Second
			if how == "hangs" {
				patience = time.Second
			}
			p, err := start(t, ready+"\n"+how, patience)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if err := p.Begin(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			_, err = p.Open("x://y", plugintest.Dial{}, func(r plugintest.Report) {
				if r.Kind == plugintest.Closed {
					close(ended)
				}
			})
			if want == "" { // A wrong answer is the caller's matter, not the process's.
				if err == nil || !strings.Contains(err.Error(), `answers open by "placed"`) {
					t.Error(err)
				}
				return
			}
			trace, fault := p.Fault()
			for what, err := range map[string]error{"Open": err, "Fault": fault} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s returned\n%v\nand not\n%s", what, err, want)
				}
			}
			if how == "floods" {
				trace = []string{"", `→ {"n":2,"do":"open","conn":1`} // Nothing else is left of it.
			}
			if len(trace) < 2 || !strings.HasPrefix(trace[1], `→ {"n":2,"do":"open","conn":1`) {
				t.Errorf("the trace is %q", trace)
			}
			<-ended
		})
	}
}

func TestDriverIsStartedAnewAfterAFaultButNotForEver(t *testing.T) {
	p, err := start(t, ready+"\ndies", 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for n := 1; ; n++ {
		if err := p.Begin(); err != nil {
			if n != faultsMax+1 || !strings.Contains(err.Error(), "after 3 faults, the last of them: the driver has ended (exit status 3)") {
				t.Errorf("at the start number %d: %v", n, err)
			}
			return
		}
		if _, err := p.Open("x://y", plugintest.Dial{}, func(plugintest.Report) {}); err == nil {
			t.Fatal("it lives")
		}
	}
}

func TestWhatADriverHasStartedIsKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "child")
	t.Setenv("CHILD", file)
	p, err := start(t, "leaves a child", 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(string(b))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); !gone(child); { // Killed, it may take a while.
		if time.Now().After(end) {
			t.Fatal("the driver's child lives")
		}
	}
}

// gone says whether a process has ended; as a zombie it has.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// echoDriver's devices report what they are asked to do.
type echoDriver struct{}

type echoDevice struct {
	report func(plugintest.Report)
	dial   plugintest.Dial
}

func (echoDriver) Open(url string, d plugintest.Dial, report func(plugintest.Report)) (plugintest.Device, error) {
	if url == "refused" {
		return nil, errors.New("connection refused")
	}
	report(plugintest.Report{Kind: plugintest.Opened, Token: []byte{0xff, 1}, Epoch: 7, Resumed: d.Resume != nil})
	return &echoDevice{report, d}, nil
}

func (d *echoDevice) says(format string, args ...any) error {
	d.report(plugintest.Report{Kind: plugintest.Pushed, Payload: fmt.Appendf(nil, format, args...)})
	return nil
}

func (d *echoDevice) Ack(upTo uint64, also []sdk.SeqRange) error {
	return d.says("ack %d %v", upTo, also)
}
func (d *echoDevice) Nack(uint64, time.Duration, bool, string) error {
	return errors.ErrUnsupported
}
func (d *echoDevice) Send(id, name string, b []byte) error {
	d.report(plugintest.Report{Kind: plugintest.Pushed, Seq: 3, ID: id, Name: name, Payload: b})
	return nil
}
func (d *echoDevice) Join(group string, position uint64) error {
	d.report(plugintest.Report{Kind: plugintest.Joined, Group: group, Position: position, Gap: true})
	return nil
}
func (d *echoDevice) Leave(string) error {
	d.report(plugintest.Report{Kind: plugintest.Moved, Text: "away"})
	return nil
}
func (d *echoDevice) Refresh(c sdk.Credentials) error {
	return d.says("refresh %d %s %s %s", c.Kind, c.Token, c.User, c.Password)
}
func (d *echoDevice) Stall() error   { return d.says("%+v %+v", d.dial, *d.dial.Resume) }
func (d *echoDevice) Unstall() error { return errors.New("it does not want to") }
func (d *echoDevice) Cut() error     { return nil }
func (d *echoDevice) Close() error {
	d.report(plugintest.Report{Kind: plugintest.Closed, Code: 4503, Text: "enough"})
	return nil
}

func TestWhatCrossesArrives(t *testing.T) {
	p, err := start(t, "good", 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if lacks := p.Lacks(); len(lacks) != 1 || lacks[0] != plugintest.Nacks {
		t.Errorf("it lacks %q", lacks)
	}
	if _, err := p.Open("refused", plugintest.Dial{}, nil); err == nil || err.Error() != "connection refused" {
		t.Errorf("Open returned %v", err)
	}
	seen := make(chan plugintest.Report, 10)
	dial := plugintest.Dial{
		Credentials: sdk.Credentials{Kind: sdk.CredentialBasic, User: "u", Password: "p"}, User: "alice", Device: "phone", Platform: "ios",
		Groups: []string{"a"}, Codecs: []string{"zstd"}, KeepAlive: 5 * time.Second, Window: 9,
		Resume: &sdk.Resume{Token: []byte{0xfe}, Epoch: 1, Seq: 2},
	}
	d, err := p.Open("x://y", dial, func(r plugintest.Report) { seen <- r })
	if err != nil {
		t.Fatal(err)
	}
	binary := string([]byte{0, 0xff, 'x'})
	for _, step := range []struct {
		do   func() error
		want plugintest.Report
	}{
		{nil, plugintest.Report{Kind: plugintest.Opened, Token: []byte{0xff, 1}, Epoch: 7, Resumed: true}},
		{d.Stall, plugintest.Report{Kind: plugintest.Pushed, Payload: fmt.Appendf(nil, "%+v %+v", dial, *dial.Resume)}},
		{func() error { return d.Ack(4, []sdk.SeqRange{{First: 6, Last: 7}}) }, plugintest.Report{Kind: plugintest.Pushed, Payload: []byte("ack 4 [{6 7}]")}},
		{func() error { return d.Send("i", "n", []byte(binary)) }, plugintest.Report{Kind: plugintest.Pushed, Seq: 3, ID: "i", Name: "n", Payload: []byte(binary)}},
		{func() error { return d.Join("g", 8) }, plugintest.Report{Kind: plugintest.Joined, Group: "g", Position: 8, Gap: true}},
		{func() error { return d.Leave("g") }, plugintest.Report{Kind: plugintest.Moved, Text: "away"}},
		{func() error { return d.Refresh(sdk.Credentials{Kind: sdk.CredentialBearer, Token: "t"}) }, plugintest.Report{Kind: plugintest.Pushed, Payload: []byte("refresh 1 t  ")}},
		{d.Close, plugintest.Report{Kind: plugintest.Closed, Code: 4503, Text: "enough"}},
	} {
		if step.do != nil {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
		}
		got := <-seen
		if step.want.Resumed || step.want.Kind == plugintest.Pushed && strings.Contains(string(step.want.Payload), "Resume:") {
			// The pointer in Dial differs between the processes.
			cut := func(s string) string {
				a, b, _ := strings.Cut(s, "Resume:0x")
				_, c, _ := strings.Cut(b, "}")
				return a + c
			}
			got.Payload, step.want.Payload = []byte(cut(string(got.Payload))), []byte(cut(string(step.want.Payload)))
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", step.want) {
			t.Errorf("the device saw\n%+v, want\n%+v", got, step.want)
		}
	}
	if err := d.Nack(1, 0, false, ""); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Nack returned %v", err)
	}
	if err := d.Unstall(); err == nil || err.Error() != "it does not want to" {
		t.Errorf("Unstall returned %v", err)
	}
}

// memoryPlace is a broker's place that remembers.
type memoryPlace struct {
	options json.RawMessage
	records [][]byte
}

func newMemoryPlace(options []byte) (plugintest.Broker, error) {
	return &memoryPlace{options: options}, nil
}

func (m *memoryPlace) Options() []byte   { return m.options }
func (m *memoryPlace) Sources() []string { return []string{"a", "b"} }
func (m *memoryPlace) Produce(_ string, bodies ...[]byte) error {
	m.records = append(m.records, bodies...)
	return nil
}
func (m *memoryPlace) Waiting(string) (int, error)            { return len(m.records), nil }
func (m *memoryPlace) Published(sdk.Output) ([][]byte, error) { return m.records, nil }
func (m *memoryPlace) Cut() error                             { return errors.ErrUnsupported }
func (m *memoryPlace) Reassign() error                        { return errors.New("nobody there") }
func (m *memoryPlace) Close() error                           { return nil }

func TestPlacesInABroker(t *testing.T) {
	p, err := start(t, "broker", 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	b, err := p.Broker([]byte(`{"url":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Produce("a", []byte("one"), []byte{0xff}); err != nil {
		t.Error(err)
	}
	n, err := b.Waiting("a")
	bodies, err2 := b.Published(sdk.OutputUplink)
	if !p.Contiguous() || string(b.Options()) != `{"url":"x"}` || len(b.Sources()) != 2 || n != 2 || fmt.Sprintf("%q", bodies) != `["one" "\xff"]` {
		t.Error(p.Contiguous(), string(b.Options()), b.Sources(), n, bodies, err, err2)
	}
	if err := b.Cut(); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	if err := b.Reassign(); err == nil || err.Error() != "nobody there" {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
