package ack

// Item is a message on its way out of a window's methods.
type Item[M any] struct {
	Message M
	Seq     uint64
	Past    Past
	Verdict Verdict // of Due and Reconnect
}

// Verdict says what the owner is to do with a message.
type Verdict uint8

// The verdicts.
const (
	// None: the item is what was asked for.
	None Verdict = iota
	// Resend: send it again under its seq.
	Resend
	// GiveUp: close the connection, which answers nothing. The message stays in
	// the window, silent until Reconnect; if the session ends first, it is the
	// next session's.
	GiveUp
	// Dead: it has used all its attempts, dead(no_ack). It has left the window.
	Dead
)

func (v Verdict) String() string {
	return [...]string{"none", "resend", "give up", "dead"}[v]
}
