package plugintest

import (
	"context"
	"io"

	"github.com/pushcore/pushcore/sdk"
)

// logLetter is a dead letter of the log broker.
type logLetter struct {
	body  []byte
	taken bool
}

// take keeps what a plugin published; the caller has the lock.
func (b *logBroker) take(o sdk.Outgoing) {
	if o.Output == sdk.OutputDeadLetter {
		b.letters = append(b.letters, logLetter{body: o.Body})
		return
	}
	b.published = append(b.published, o.Body)
}

var _ sdk.LetterBox = (*logMQ)(nil)

func (m *logMQ) LetterPlace() string { return "log" }

func (m *logMQ) Letters(context.Context, sdk.LetterOptions) (sdk.Letters, error) {
	return &logLetters{mq: m}, nil
}

func (m *logMQ) Input(context.Context) (sdk.InputWriter, error) { return logInput{m.broker}, nil }

// logLetters is a look at the letters.
type logLetters struct {
	mq   *logMQ
	next int
}

func (l *logLetters) Next(context.Context) (found []sdk.Letter, err error) {
	b := l.mq.broker
	err = b.with(func() {
		for ; l.next < len(b.letters) && len(found) < 40; l.next++ {
			letter := &b.letters[l.next]
			if letter.taken && l.mq.fault != "returns what was taken" {
				continue
			}
			found = append(found, sdk.Letter{Record: sdk.Record{Position: uint64(l.next), Body: letter.body}})
			letter.taken = letter.taken || l.mq.fault == "takes what is looked at"
		}
	})
	if len(found) == 0 {
		err = io.EOF
	}
	return found, err
}

func (l *logLetters) Take(_ context.Context, taken []sdk.Letter) error {
	return l.mq.broker.with(func() {
		for _, t := range taken {
			l.mq.broker.letters[t.Record.Position].taken = true
		}
	})
}

func (l *logLetters) Close() error { return nil }

// logInput writes to the broker.
type logInput struct{ broker *logBroker }

func (i logInput) Write(_ context.Context, records []sdk.InputRecord) []error {
	failed := make([]error, len(records))
	for n, r := range records {
		failed[n] = i.broker.Produce(r.Source, r.Body)
	}
	return failed
}

func (i logInput) Close() error { return nil }
