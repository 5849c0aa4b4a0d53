package admin

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pushcore/pushcore/sdk/wire"
)

// WhereQuery asks for messages: by ID, or by the record of a Source.
type WhereQuery struct {
	ID     string
	Source *Source
	User   string // only what is his
}

// Source says where a record came from.
type Source struct {
	Plugin    string `json:"plugin"`
	Topic     string `json:"topic,omitempty"`
	Partition *int   `json:"partition,omitempty"`
	Offset    uint64 `json:"offset"`
}

// Name is how the plugin calls the source: with the partition if it has one.
func (s *Source) Name() string {
	if s.Partition == nil {
		return s.Topic
	}
	return s.Topic + "/" + strconv.Itoa(*s.Partition)
}

// String is the source as people write it: orders/push/3/1234.
func (s *Source) String() string {
	return s.Plugin + "/" + s.Name() + "/" + strconv.FormatUint(s.Offset, 10)
}

// SourceOf makes a Source of what a plugin calls it.
func SourceOf(plugin, name string, offset uint64) Source {
	s := Source{Plugin: plugin, Topic: name, Offset: offset}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		if n, err := strconv.Atoi(name[i+1:]); err == nil && n >= 0 {
			s.Topic, s.Partition = name[:i], &n
		}
	}
	return s
}

// ParseSource reads PLUGIN/SOURCE/OFFSET, such as orders/push/3/1234.
func ParseSource(text string) (*Source, bool) {
	plugin, rest, _ := strings.Cut(text, "/")
	i := strings.LastIndexByte(rest, '/')
	if plugin == "" || i < 1 {
		return nil, false
	}
	offset, err := strconv.ParseUint(rest[i+1:], 10, 64)
	s := SourceOf(plugin, rest[:i], offset)
	return &s, err == nil
}

// Whereabouts is what a node knows of messages.
type Whereabouts struct {
	Messages []Message `json:"messages"`
	Records  []Record  `json:"records,omitempty"` // that are open, or went no further
	// Since is from when on nothing that ended is forgotten.
	Since time.Time `json:"since"`
	// Incomplete says what could not be asked.
	Incomplete string `json:"incomplete,omitempty"`
}

// Message is where one message is, or how it ended.
type Message struct {
	ID         string         `json:"id"`
	Scope      string         `json:"scope"` // the instance within which the id names one event
	Name       string         `json:"name,omitempty"`
	Class      string         `json:"class"`
	Source     Source         `json:"source"`
	AcceptedAt time.Time      `json:"accepted_at"`
	Totals     map[string]int `json:"totals"` // receivers by fate, pending among them
	// Receivers is how many there are in all; absent where that is forgotten, and
	// Totals has what has ended since.
	Receivers *int       `json:"receivers,omitempty"`
	Rows      []Receiver `json:"rows"`
	// More says that there are receivers without a row.
	More bool `json:"more,omitempty"`
}

// Receiver is where a message is for one receiver, or how it ended.
type Receiver struct {
	To         string     `json:"to"`
	User       string     `json:"user"`
	Device     string     `json:"device,omitempty"`
	Fate       string     `json:"fate"`
	Where      string     `json:"where,omitempty"` // pending: queued, in_flight, storing, stored
	Reason     string     `json:"reason,omitempty"`
	Attempts   int        `json:"attempts"`
	At         *time.Time `json:"at,omitempty"`          // when it ended
	NextAt     *time.Time `json:"next_at,omitempty"`     // in_flight: when it is sent again
	DeadLetter string     `json:"dead_letter,omitempty"` // dead: the instance that has the letter
}

// Record is what became of a record at admission.
type Record struct {
	ID         string    `json:"id,omitempty"`
	Source     Source    `json:"source"`
	At         time.Time `json:"at"`
	Outcome    string    `json:"outcome"` // open, dead, repeat, joined, nobody
	Reason     string    `json:"reason,omitempty"`
	Detail     string    `json:"detail,omitempty"`
	DeadLetter string    `json:"dead_letter,omitempty"` // the instance that has the letter
}

// OldestOpen is what the records of an instance wait for.
type OldestOpen struct {
	Plugin string     `json:"plugin"`
	Open   int64      `json:"open"` // records
	ID     string     `json:"id,omitempty"`
	Source Source     `json:"source"`
	AgeMS  int64      `json:"age_ms"`
	Waits  []Receiver `json:"waits"` // receivers neither terminal nor stored; none: see Detail
	Detail string     `json:"detail,omitempty"`
}

// Finder answers where messages are; a Node is one.
type Finder interface {
	// Where finds messages. Nothing is known of any: none, and no error.
	Where(ctx context.Context, q WhereQuery) (Whereabouts, error)
	// Oldest names the oldest open record of each instance that has one.
	Oldest(ctx context.Context) ([]OldestOpen, error)
}

// message answers GET /v1/messages/{id}.
func (s *Server) message(w http.ResponseWriter, r *http.Request) {
	q := WhereQuery{ID: r.PathValue("id")}
	if len(q.ID) > wire.MessageIDBytesMax {
		badRequest(w, "id", "an id is at most "+strconv.Itoa(wire.MessageIDBytesMax)+" bytes")
		return
	}
	for name, values := range r.URL.Query() {
		if name != "user" {
			badRequest(w, name, "the known parameter is user")
			return
		}
		q.User = values[0]
	}
	s.where(w, r, q)
}

// messages answers GET /v1/messages.
func (s *Server) messages(w http.ResponseWriter, r *http.Request) {
	var q WhereQuery
	oldest := false
	for name, values := range r.URL.Query() {
		ok := true
		switch name {
		case "source":
			q.Source, ok = ParseSource(values[0])
		case "user":
			q.User = values[0]
		case "oldest":
			oldest, ok = true, values[0] == "true"
		default:
			ok = false
		}
		if !ok {
			badRequest(w, name, "known parameters are source (PLUGIN/SOURCE/OFFSET, such as orders/push/3/1234), user, and oldest (true)")
			return
		}
	}
	switch {
	case oldest:
		list, err := s.node.Oldest(r.Context())
		if list == nil {
			list = []OldestOpen{}
		}
		answer(w, map[string][]OldestOpen{"oldest": list}, err)
	case q.Source == nil:
		badRequest(w, "source", "which message? source=PLUGIN/SOURCE/OFFSET, oldest=true, or /v1/messages/ID")
	default:
		s.where(w, r, q)
	}
}

func (s *Server) where(w http.ResponseWriter, r *http.Request, q WhereQuery) {
	found, err := s.node.Where(r.Context(), q)
	switch {
	case err != nil:
		unavailable(w, err)
	case len(found.Messages)+len(found.Records) == 0:
		detail := "nothing is known of it. What ended before " + found.Since.UTC().Format(time.RFC3339) + " is forgotten (limits.history); what is pending never is"
		if found.Incomplete != "" {
			detail += ". But " + found.Incomplete
		}
		writeProblem(w, Problem{Status: http.StatusNotFound, Code: "not_found", Detail: detail})
	default:
		if found.Messages == nil {
			found.Messages = []Message{}
		}
		writeJSON(w, http.StatusOK, found)
	}
}
