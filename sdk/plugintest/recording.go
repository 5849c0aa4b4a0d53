package plugintest

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pushcore/pushcore/sdk"
)

// recording writes what happened in a trial to a file, one JSON object a line. A
// nil recording writes nothing. It is guarded by the lock of the host that has it.
type recording struct {
	file  *os.File
	out   *bufio.Writer
	json  *json.Encoder
	began time.Time
	err   error
}

// newRecording makes DIR/PLACEMENT-TRIAL.jsonl; no directory, no recording.
func newRecording(dir, placement, trial string) (*recording, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("record the trial: %w", err)
	}
	name := strings.ReplaceAll(placement+"-"+trial, " ", "-") + ".jsonl"
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("record the trial: %w", err)
	}
	out := bufio.NewWriter(f)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return &recording{file: f, out: out, json: e, began: time.Now()}, nil
}

// add writes a line.
func (r *recording) add(s step) {
	if r == nil || r.err != nil {
		return
	}
	s.AtUS = time.Since(r.began).Microseconds()
	r.err = r.json.Encode(s)
}

// close ends the file and returns the first error of all.
func (r *recording) close() error {
	if r == nil {
		return nil
	}
	if err := errors.Join(r.err, r.out.Flush(), r.file.Close()); err != nil {
		return fmt.Errorf("record the trial: %w", err)
	}
	return nil
}

// step is one line: exactly one of Event, Command, Call, Report, Does and Seen
// says what it is.
type step struct {
	AtUS    int64     `json:"at_us"`
	Loop    *sdk.Loop `json:"loop,omitempty"`
	Turn    int       `json:"turn,omitempty"`
	Posted  bool      `json:"posted,omitempty"`
	Event   string    `json:"event,omitempty"`   // plugin → kit
	Command string    `json:"command,omitempty"` // kit → transport
	Call    string    `json:"call,omitempty"`    // kit → plugin, other than commands
	Report  string    `json:"report,omitempty"`  // device → driver → kit
	Does    string    `json:"does,omitempty"`    // kit → device or broker
	Broken  string    `json:"broken,omitempty"`  // a rule
	*fieldsOf
}

// fieldsOf are the fields of a step, named as in the contract.
type fieldsOf struct {
	Device    string      `json:"device,omitempty"`
	Conn      uint64      `json:"conn,omitempty"`
	Seq       uint64      `json:"seq,omitempty"`
	Ranges    [][2]uint64 `json:"ranges,omitempty"`
	By        string      `json:"by,omitempty"`
	Final     bool        `json:"final,omitempty"`
	Retryable bool        `json:"retryable,omitempty"`
	Gap       bool        `json:"gap,omitempty"`
	Resumed   bool        `json:"resumed,omitempty"`
	Code      uint16      `json:"code,omitempty"`
	Position  uint64      `json:"position,omitempty"`
	Queued    int         `json:"queued,omitempty"`
	RetryMS   int64       `json:"retry_after_ms,omitempty"`
	WithinMS  int64       `json:"within_ms,omitempty"`
	ID        string      `json:"id,omitempty"`
	Name      string      `json:"name,omitempty"`
	Group     string      `json:"group,omitempty"`
	Text      string      `json:"text,omitempty"`
	Headers   []header    `json:"headers,omitempty"`
	Connect   *connectOf  `json:"connect,omitempty"`
	Accept    *acceptOf   `json:"accept,omitempty"`
	Listen    *listenOf   `json:"listen,omitempty"`
	Messages  []messageOf `json:"messages,omitempty"`
	Items     [][3]uint64 `json:"items,omitempty"`
	Source    string      `json:"source,omitempty"`
	Epoch     uint64      `json:"epoch,omitempty"`
	Outcome   string      `json:"outcome,omitempty"`
	Positions []uint64    `json:"positions,omitempty"`
	Records   []messageOf `json:"records,omitempty"`
	Saw       string      `json:"saw,omitempty"`
	*payloadOf
}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// payloadOf is a payload: as text if it is UTF-8, else in base64; only the
// beginning of a long one.
type payloadOf struct {
	Payload       *string `json:"payload,omitempty"`
	PayloadBase64 *string `json:"payload_base64,omitempty"`
	Bytes         int     `json:"payload_bytes,omitempty"` // of all of it, if there is more
}

const recordedMax = 256

func recordPayload(b []byte) *payloadOf {
	p := &payloadOf{}
	if len(b) > recordedMax {
		b, p.Bytes = b[:recordedMax], len(b)
		for n := 0; n < utf8.UTFMax && !utf8.Valid(b); n++ {
			b = b[:len(b)-1] // The cut may have gone through a character.
		}
	}
	if text := string(b); utf8.Valid(b) {
		p.Payload = &text
		return p
	}
	text := base64.StdEncoding.EncodeToString(b)
	p.PayloadBase64 = &text
	return p
}
