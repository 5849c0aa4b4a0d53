package sdk

import "context"

// LetterBox is implemented by an MQ plugin whose dead letters can be looked at and
// put back; its Info says so by CapLetters. It is called on a configured plugin that
// is not open, by a tool that may run beside nodes with the same options.
type LetterBox interface {
	// LetterPlace names what OutputDeadLetter leads to, such as a topic with its
	// cluster: instances with the same place share their letters. It is empty if
	// the options have no such output.
	LetterPlace() string

	// Letters begins a look at the letters that are there now. It fails if the
	// broker is away or refuses us.
	Letters(ctx context.Context, o LetterOptions) (Letters, error)

	// Input opens a way to write to the instance's input.
	Input(ctx context.Context) (InputWriter, error)
}

// LetterOptions say what to look at.
type LetterOptions struct {
	// Taken includes letters that Take took, where the broker keeps them.
	Taken bool
}

// Letters is one look at dead letters. It is used by one goroutine at a time.
type Letters interface {
	// Next returns further letters, those of one source in its order, and io.EOF
	// after the last of those that were there at the beginning. The letters belong
	// to the caller.
	Next(ctx context.Context) ([]Letter, error)

	// Take takes letters that Next returned away for good: another look does not
	// return them without LetterOptions.Taken. After an error some may be taken.
	Take(ctx context.Context, letters []Letter) error

	// Close ends the look. Letters that were not taken stay where they were.
	Close() error
}

// Letter is a dead letter at the broker.
type Letter struct {
	// Place is the broker's lasting name of the letter, such as "push.dead/0/12",
	// or empty if it has none.
	Place string
	Taken bool // it was taken before; with LetterOptions.Taken only
	// Unsure says that it may have been taken before: the broker no longer knows.
	Unsure bool
	// Warning is what the operator should know of it: one line, or empty.
	Warning string
	// Record is the letter; its Position is unique within the look. The Key is
	// that of the dead record, nil if it is not known.
	Record Record
}

// InputWriter writes to an instance's input. It is used by one goroutine at a time.
type InputWriter interface {
	// Write appends records and returns when the broker has answered for each: an
	// error for each record, nil if the broker has it. Those of one key and source
	// keep their order. One that is answered with an error may be written all the
	// same, as when an answer got lost.
	Write(ctx context.Context, records []InputRecord) []error
	Close() error
}

// InputRecord is a record for an input.
type InputRecord struct {
	// Source is where the record stood before, by the name that the plugin gave:
	// it is written there again if that still is part of the input, else wherever
	// the input takes new records.
	Source  string
	Key     []byte
	Headers []Header
	Body    []byte
}
