package chaos

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pushcore/pushcore/test/brokers"
)

// nodeConfig is how a story wants its node; zero values are the story's defaults.
type nodeConfig struct {
	host      string // to listen on; else 127.0.0.1
	namespace string // network namespace to run in
	memory    bool   // keep messages in memory
	data      string // the store's folder; else one in the rig's
	program   string // else binary
	settings  string // further top-level keys
	plugins   string // further instances, indented by two
	tcp, ws   string // further keys of the two transports, such as "placement: process, "
}

// node is a pushcore process that can be killed and comes back at the same addresses.
type node struct {
	r       *rig
	cfg     nodeConfig
	urls    map[string]string // of listeners; immutable once the first run listens
	file    string
	runs    int
	metrics atomic.Pointer[map[string]float64]
	scraper sync.WaitGroup
	stop    chan struct{} // closed when nothing is to be scraped any more

	cmd   *exec.Cmd
	ended chan struct{} // closed when the process is gone
}

// startNode runs a node, and looks at its books until the story's end.
func (r *rig) startNode(cfg nodeConfig) *node {
	r.t.Helper()
	if cfg.host == "" {
		cfg.host = "127.0.0.1"
	}
	if cfg.data == "" {
		cfg.data = filepath.Join(r.dir, "data")
	}
	if cfg.program == "" {
		cfg.program = binary
	}
	n := &node{r: r, cfg: cfg, file: filepath.Join(r.dir, "node.yaml"), stop: make(chan struct{})}
	n.metrics.Store(&map[string]float64{})
	port := func() string { return cfg.host + ":" + strconv.Itoa(brokers.Port(r.t)) }
	store := fmt.Sprintf("store: { kind: disk, path: %q }", cfg.data)
	if cfg.memory {
		store = "store: { kind: memory }"
	}
	text := fmt.Sprintf("http: { listen: %q }\n%s\n%s\nplugins:\n  tcp: { %sconfig: { listen: %q } }\n  ws: { %sconfig: { listen: %q } }\n%s",
		port(), store, cfg.settings, cfg.tcp, port(), cfg.ws, port(), cfg.plugins)
	if err := os.WriteFile(n.file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.node = n
	n.start()
	n.scraper.Go(n.scrape)
	r.t.Cleanup(n.end)
	return n
}

// start runs the process and returns when everything listens.
func (n *node) start() {
	n.r.t.Helper()
	ports := filepath.Join(n.r.dir, "ports.json")
	_ = os.Remove(ports)
	n.runs++
	log, err := os.Create(filepath.Join(n.r.dir, fmt.Sprintf("node-%d.log", n.runs)))
	if err != nil {
		n.r.t.Fatal(err)
	}
	defer log.Close() // The process has its own.
	args := []string{n.cfg.program, "run", "-c", n.file, "--ports-file", ports, "--insecure"}
	if n.cfg.namespace != "" {
		args = append([]string{"ip", "netns", "exec", n.cfg.namespace}, args...)
	}
	n.cmd = exec.Command(args[0], args[1:]...)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		n.r.t.Fatal(err)
	}
	n.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(n.cmd, n.ended)
	n.r.until("the node to listen", 60*time.Second, func() bool {
		select {
		case <-n.ended:
			n.r.t.Fatalf("the node has ended:\n%s", n.logTail())
		default:
		}
		b, err := os.ReadFile(ports)
		if err != nil || n.runs > 1 { // It comes back at the same addresses.
			return err == nil
		}
		return json.Unmarshal(b, &n.urls) == nil
	})
	n.r.notes.Event("start")
}

// kill ends the process as a crash would.
func (n *node) kill() {
	n.r.notes.Event("kill")
	_ = n.cmd.Process.Kill()
	<-n.ended
}

// restart kills it and starts it again.
func (n *node) restart() {
	n.r.t.Helper()
	n.kill()
	n.start()
}

func (n *node) signal(s syscall.Signal) {
	n.r.t.Helper()
	n.r.note(s.String())
	if err := n.cmd.Process.Signal(s); err != nil {
		n.r.t.Fatal(err)
	}
}

// end stops scraping and kills the process, once.
func (n *node) end() {
	select {
	case <-n.stop:
		return
	default:
	}
	close(n.stop)
	n.scraper.Wait()
	n.stopProcesses()
	_ = n.cmd.Process.Kill()
	<-n.ended
	if n.r.t.Failed() {
		n.r.t.Logf("the node's log:\n%s", n.logTail())
	}
}

// stopProcesses has a node whose plugins have processes of their own end in good
// order: they would outlive it.
func (n *node) stopProcesses() {
	if n.cfg.tcp+n.cfg.ws == "" {
		return
	}
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.ended:
	case <-time.After(30 * time.Second):
		n.r.t.Error("the node does not stop")
	}
}

func (n *node) logTail() string {
	b, _ := os.ReadFile(filepath.Join(n.r.dir, fmt.Sprintf("node-%d.log", n.runs)))
	return string(b[max(0, len(b)-4000):])
}

// deviceURLs are the two transports' addresses.
func (n *node) deviceURLs() []string { return []string{n.urls["tcp"], n.urls["ws"]} }

// scrapeEvery is how often the books are looked at.
const scrapeEvery = 200 * time.Millisecond

// scrape writes the books down while there is a node that shows them.
func (n *node) scrape() {
	log := n.r.newLog("books")
	defer log.Close()
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	url := n.urls["http"] + "/metrics"
	ticker := time.NewTicker(scrapeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-n.stop:
			return
		}
		m, err := readMetrics(client, url)
		if err != nil {
			continue // It is dead, stopped or away, as the story wants it.
		}
		n.metrics.Store(&m)
		log.Event("books", strconv.FormatFloat(m["pushcore_books_difference"], 'g', -1, 64))
	}
}

// readMetrics reads Prometheus' text form: name with labels → value.
func readMetrics(client *http.Client, url string) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metrics: %s", answer.Status)
	}
	m := map[string]float64{}
	in := bufio.NewScanner(answer.Body)
	for in.Scan() {
		line := in.Text()
		if at := strings.LastIndexByte(line, ' '); at > 0 && line[0] != '#' {
			if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
				m[line[:at]] = v
			}
		}
	}
	if _, ok := m["pushcore_books_difference"]; !ok {
		return nil, fmt.Errorf("metrics: no books: %w", in.Err())
	}
	return m, nil
}

// metric is a metric's last scraped sum over its labels.
func (n *node) metric(name string) (sum float64) {
	for key, value := range *n.metrics.Load() {
		if bare, _, _ := strings.Cut(key, "{"); bare == name {
			sum += value
		}
	}
	return sum
}

// rss is the process's resident memory in bytes.
func (n *node) rss() int64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	for line := range bytes.Lines(b) {
		if f := strings.Fields(string(line)); len(f) > 1 && f[0] == "VmRSS:" {
			kib, _ := strconv.ParseInt(f[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
