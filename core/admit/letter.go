package admit

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/pushcore/pushcore/core/envelope"
	"github.com/pushcore/pushcore/sdk"
)

// deadPrefix begins the headers that a dead letter has besides the record's own.
const deadPrefix = "push-dead-"

// Delays before a letter that the broker did not take is published again.
const (
	letterRetryFirst = time.Second
	letterRetryMost  = 30 * time.Second
)

// letter is a dead record on its way to the dead-letter target.
type letter struct {
	what  Letter
	dead  Dead
	out   bool          // with the broker; else in State.retries
	delay time.Duration // before the next attempt
	due   time.Duration // of the next attempt
}

// bury ends a record that is not taken: by a letter, or by giving it up. The
// record is settled when the letter is accepted.
func (s *State) bury(now Now, src *Source, p *Parsed, err *Error) {
	in := src.instance
	in.dead[err.Reason]++
	s.note(now, src, p, Died, err)
	notice := Dead{Instance: in.index, Source: src.name, Position: p.Record.Position, Err: err, Lettered: in.DeadLetter}
	s.effects.Dead = append(s.effects.Dead, notice)
	if !in.DeadLetter {
		s.settle(src, p.Record.Position, Settled{Outcome: sdk.Dead, ID: p.ID, Err: err})
		return
	}
	r := s.openRecord(now, src, p)
	what := newLetter(in.Name, src.name, p.Record, err, now.Wall)
	what.Token, what.Instance = uint64(r.id), in.index
	r.letter = &letter{what: what, dead: notice, out: true, delay: letterRetryFirst}
	s.attach(src, r, p.Record.Position)
	s.effects.Letters = append(s.effects.Letters, what)
	s.askForHalf(in, src)
}

func newLetter(instance, source string, rec *sdk.Record, err *Error, at time.Time) Letter {
	headers := make([]sdk.Header, 0, len(rec.Headers)+4)
	for _, h := range rec.Headers {
		if len(h.Name) < len(deadPrefix) || !strings.EqualFold(h.Name[:len(deadPrefix)], deadPrefix) {
			headers = append(headers, h)
		}
	}
	source = instance + "/" + source + "/" + strconv.FormatUint(rec.Position, 10)
	headers = append(headers,
		sdk.Header{Name: deadPrefix + "reason", Value: []byte(err.Reason.String())},
		sdk.Header{Name: deadPrefix + "detail", Value: []byte(err.Error())},
		sdk.Header{Name: deadPrefix + "source", Value: []byte(source)},
		sdk.Header{Name: deadPrefix + "at", Value: at.UTC().AppendFormat(nil, time.RFC3339)})
	return Letter{Key: bytes.Clone(rec.Key), Headers: headers, Body: rec.Body}
}

// Published answers a Letter: failed is empty if the broker has it; final says
// that it never will take it. Then the record is given up, which is logged; else
// the letter is published again after a while.
func (s *State) Published(now Now, token uint64, failed string, final bool) {
	r := s.records[envelope.RecordID(token)]
	switch {
	case r == nil || r.letter == nil || !r.letter.out: // late or twice
	case failed == "":
		s.closeRecord(now, r)
	case final:
		notice := r.letter.dead
		notice.Lettered = false
		s.effects.Dead = append(s.effects.Dead, notice)
		for r.handles != nil {
			h := r.handles
			s.settle(h.source, h.position, Settled{Outcome: sdk.Dead, Err: notice.Err})
			s.detach(h)
		}
		s.closeRecord(now, r)
	default:
		r.letter.out = false
		r.letter.due = now.Mono + r.letter.delay
		r.letter.delay = min(2*r.letter.delay, letterRetryMost)
		s.retries = append(s.retries, r)
	}
}

// retryLetters publishes again what is due.
func (s *State) retryLetters(now Now) {
	kept := s.retries[:0]
	for _, r := range s.retries {
		if r.letter.due > now.Mono {
			kept = append(kept, r)
			continue
		}
		r.letter.out = true
		s.effects.Letters = append(s.effects.Letters, r.letter.what)
	}
	clear(s.retries[len(kept):])
	s.retries = kept
}
