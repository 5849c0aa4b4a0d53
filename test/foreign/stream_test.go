package foreign

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// page is a device of the Server-Sent Events plugin: one stream, and requests
// beside it.
type page struct {
	t      testing.TB
	base   string // such as http://127.0.0.1:1234
	http   *http.Client
	events chan sseEvent // closed at the stream's end
	body   io.Closer
}

// sseEvent is one event, with the fields that browsers ignore.
type sseEvent struct {
	id, name, data string
	more           map[string]string
}

func newPage(t testing.TB, endpoint string) *page {
	t.Helper()
	base, ok := strings.CutSuffix(endpoint, "/events")
	if !ok {
		t.Fatalf("endpoint %s", endpoint)
	}
	p := &page{t: t, base: base, http: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(p.http.CloseIdleConnections)
	return p
}

// request makes a request; header is pairs of name and value.
func (p *page) request(method, path, body string, header ...string) (*http.Response, error) {
	r, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return p.http.Do(r)
}

// post makes a request and returns status and body.
func (p *page) post(path, body string, header ...string) (int, string) {
	p.t.Helper()
	r, err := p.request(http.MethodPost, path, body, header...)
	if err != nil {
		p.t.Error(err)
		return 0, ""
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Error(err)
	}
	return r.StatusCode, string(b)
}

// stream opens the stream in the background; answered gets its status.
func (p *page) stream(query string, header ...string) (answered chan *http.Response) {
	p.events = make(chan sseEvent, 10_000)
	answered = make(chan *http.Response, 1)
	events := p.events
	go func() {
		defer close(events)
		r, err := p.request(http.MethodGet, "/events"+query, "", header...)
		if err != nil {
			close(answered)
			return
		}
		p.body = r.Body
		answered <- r
		readEvents(r.Body, events)
	}()
	return answered
}

// readEvents parses a stream as the HTML standard says.
func readEvents(body io.Reader, events chan<- sseEvent) {
	e := sseEvent{more: map[string]string{}}
	data := []string{}
	for lines := bufio.NewReader(body); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "\n":
			if len(data) > 0 {
				e.data = strings.Join(data, "\n")
				events <- e
			}
			e, data = sseEvent{more: map[string]string{}}, data[:0]
		case name == "": // A comment.
		case name == "data":
			data = append(data, value)
		case name == "event":
			e.name = value
		case name == "id":
			e.id = value
		default:
			e.more[name] = value
		}
	}
}

func (p *page) next() sseEvent {
	p.t.Helper()
	select {
	case e, ok := <-p.events:
		if !ok {
			p.t.Fatal("the stream has ended")
		}
		return e
	case <-time.After(patience):
		p.t.Fatal("no event comes")
	}
	return sseEvent{}
}

// ended waits for the end of the stream.
func (p *page) ended() {
	p.t.Helper()
	select {
	case e, ok := <-p.events:
		if ok {
			p.t.Errorf("event %+v, want the end", e)
		}
	case <-time.After(patience):
		p.t.Error("the stream does not end")
	}
}

func await[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("waited for " + what)
	}
	panic("unreachable")
}

// deaf is a device that opens a stream and reads nothing of it.
func deaf(t testing.TB, endpoint string) net.Conn {
	t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(endpoint, "http://"), "/events")
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, "GET /events?user=deaf HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return c
}
