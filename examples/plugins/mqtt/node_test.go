package mqtt_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	paho311 "github.com/eclipse/paho.mqtt.golang"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// node is a pushcore that runs this plugin as a process.
type node struct {
	mqtt, http string // host:port; URL
}

// startNode builds pushcore and the plugin and runs them.
func startNode(t *testing.T) *node {
	t.Helper()
	dir := t.TempDir()
	for name, from := range map[string]string{"pushcore": "../../../cmd/pushcore", "pushcore-mqtt": "./cmd"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), from).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	config := `
node: { drain: { timeout: 1s } }
auth: { none: true }
http: { listen: 127.0.0.1:0 }
store: { kind: memory }
groups: [ { match: "chat.*", join: device } ]
plugins: { mqtt: { command: [./pushcore-mqtt], config: { listen: 127.0.0.1:0 } } }
`
	if err := os.WriteFile(filepath.Join(dir, "node.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ports := filepath.Join(dir, "ports.json")
	c := exec.Command(filepath.Join(dir, "pushcore"), "run", "-c", "node.yaml", "--ports-file", ports)
	c.Dir, c.Stderr = dir, t.Output()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt) // It may have ended.
		<-ended
	})
	return awaitPorts(t, ports, ended)
}

// awaitPorts waits until everything listens.
func awaitPorts(t *testing.T, file string, ended chan error) *node {
	t.Helper()
	tick, late := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			var ports map[string]string
			if b, err := os.ReadFile(file); err != nil || json.Unmarshal(b, &ports) != nil {
				continue
			}
			return &node{mqtt: strings.TrimPrefix(ports["mqtt"], "mqtt://"), http: ports["http"]}
		case err := <-ended:
			ended <- err
			t.Fatalf("pushcore has ended: %v", err)
		case <-late:
			t.Fatal("pushcore does not listen")
		}
	}
}

// push sends a message.
func (n *node) push(t *testing.T, to, name, payload string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.http+"/v1/push", strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("push-to", to)
	if name != "" {
		r.Header.Set("push-name", name)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close() // Only the status matters.
	if answer.StatusCode != http.StatusAccepted {
		t.Fatalf("push to %s: %s", to, answer.Status)
	}
}

// expect waits for the lines "topic payload" in their order.
func expect(t *testing.T, who string, got <-chan string, want ...string) {
	t.Helper()
	late := time.After(patience)
	for _, w := range want {
		select {
		case g := <-got:
			if g != w {
				t.Fatalf("%s got %q, want %q", who, g, w)
			}
		case <-late:
			t.Fatalf("%s did not get %q", who, w)
		}
	}
}

// TestClientsOfOthersOnANode has clients that nobody here wrote be devices of a real node.
func TestClientsOfOthersOnANode(t *testing.T) {
	n := startNode(t)
	t.Run("paho 5", func(t *testing.T) { n.pushTo(t, "eva", n.paho5(t, "eva")) })
	t.Run("paho 3.1.1", func(t *testing.T) { n.pushTo(t, "max", n.paho311(t, "max")) })
	for _, version := range []string{"5", "311"} {
		t.Run("mosquitto "+version, func(t *testing.T) { n.pushTo(t, "mo"+version, n.mosquitto(t, version, "mo"+version)) })
	}
}

// pushTo pushes to a user who has joined chat.1.
func (n *node) pushTo(t *testing.T, user string, got <-chan string) {
	t.Helper()
	n.push(t, "group:chat.1", "", "hello room")
	n.push(t, "user:"+user, "", "hello you")
	n.push(t, "user:"+user, "order", "shipped")
	expect(t, user, got, "chat.1 hello room", "user hello you", "order shipped")
}

func (n *node) paho5(t *testing.T, user string) <-chan string {
	t.Helper()
	socket, err := net.Dial("tcp", n.mqtt)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 16)
	c := paho.NewClient(paho.ClientConfig{Conn: socket, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(m paho.PublishReceived) (bool, error) {
			got <- m.Packet.Topic + " " + string(m.Packet.Payload)
			return true, nil
		},
	}})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ack, err := c.Connect(ctx, &paho.Connect{ClientID: "paho", Username: user, UsernameFlag: true, KeepAlive: 30, CleanStart: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Disconnect(&paho.Disconnect{}) })
	if ack.SessionPresent || ack.Properties.MaximumQoS == nil || *ack.Properties.MaximumQoS != 1 || ack.Properties.WildcardSubAvailable {
		t.Errorf("CONNACK is %+v, its properties %+v", ack, ack.Properties)
	}
	granted, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "chat.1", QoS: 2}}})
	if err != nil || !bytes.Equal(granted.Reasons, []byte{1}) {
		t.Fatalf("SUBACK is %+v, error %v", granted, err)
	}
	return got
}

func (n *node) paho311(t *testing.T, user string) <-chan string {
	t.Helper()
	got := make(chan string, 16)
	c := paho311.NewClient(paho311.NewClientOptions().AddBroker("tcp://" + n.mqtt).SetClientID("paho").SetUsername(user).SetProtocolVersion(4).
		SetAutoReconnect(false).SetDefaultPublishHandler(func(_ paho311.Client, m paho311.Message) {
		got <- m.Topic() + " " + string(m.Payload())
	}))
	for _, token := range []func() paho311.Token{c.Connect, func() paho311.Token { return c.Subscribe("chat.1", 1, nil) }} {
		if k := token(); !k.WaitTimeout(patience) || k.Error() != nil {
			t.Fatalf("no answer, or error %v", k.Error())
		}
	}
	t.Cleanup(func() { c.Disconnect(100) })
	k := c.Subscribe("all/#", 1, nil)
	if granted := k.(*paho311.SubscribeToken); !k.WaitTimeout(patience) || granted.Result()["all/#"] != 0x80 {
		t.Errorf("a subscription with wildcards was answered %v", granted.Result())
	}
	return got
}

// mosquitto runs mosquitto_sub. When it has said that it is subscribed, it returns.
func (n *node) mosquitto(t *testing.T, version, user string) <-chan string {
	t.Helper()
	if _, err := exec.LookPath("mosquitto_sub"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("mosquitto_sub is not here: ci/brokers.sh installs mosquitto-clients")
		}
		t.Skip("mosquitto_sub is not here: install mosquitto-clients")
	}
	at, err := url.Parse("mqtt://" + n.mqtt)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("stdbuf", "-oL", "mosquitto_sub", "-d", "-V", version, "-h", at.Hostname(), "-p", at.Port(), "-i", "mosquitto", "-u", user, "-t", "chat.1", "-q", "1", "-F", "MESSAGE %t %p")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = c.Stdout
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	got, subscribed := make(chan string, 16), make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		readMosquitto(bufio.NewScanner(out), got, subscribed)
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill() // It may have ended.
		<-ended
		_ = c.Wait() // It was killed.
	})
	select {
	case said := <-subscribed:
		if said != "" {
			t.Fatalf("mosquitto_sub has ended: %s", said)
		}
	case <-time.After(patience):
		t.Fatal("mosquitto_sub is not subscribed")
	}
	return got
}

// readMosquitto tells messages, and once that it is subscribed, or all that it said
// until its end.
func readMosquitto(lines *bufio.Scanner, got, subscribed chan<- string) {
	said := "nothing"
	for lines.Scan() {
		said = fmt.Sprintf("%s; %s", said, lines.Text())
		if m, ok := strings.CutPrefix(lines.Text(), "MESSAGE "); ok {
			got <- m
		}
		if strings.HasPrefix(lines.Text(), "Subscribed") {
			select {
			case subscribed <- "":
			default:
			}
		}
	}
	select {
	case subscribed <- said:
	default:
	}
}
