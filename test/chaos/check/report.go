package check

import (
	"fmt"
	"strings"
	"time"
)

// Report is what became of a run's messages.
type Report struct {
	Owed      int // messages that were safe, each to one device of its user
	Delivered int // of these, handed to the device at least once
	Acked     int // of these, acked

	Lost          int // owed and never delivered
	Repeats       int // deliveries beyond a message's first, under its id
	RepeatsOther  int // under another id
	Reordered     int // first deliveries behind one with a higher number of their source and device
	Corrupt       int // payloads that are not what was published
	WrongReceiver int // deliveries to another user
	Unknown       int // deliveries of what nobody published
	AfterAck      int // deliveries of what the same device had acked on the same connection before
	BooksScrapes  int
	BooksBad      int // scrapes that were not 0

	Kills         int
	AckedByKill   int           // messages acked before the last kill
	LastAckAfter  time.Duration // from the last start of the node to the last first ack
	LastSafeAfter time.Duration // from the last start of the node until the last message was published

	Faults []string // the first of each kind, with the lines they were found by
}

// faultsMax bounds how many faults of one kind are told in full.
const faultsMax = 5

// fault counts one and tells the first ones.
func (r *Report) fault(count *int, what string, lines ...string) {
	if *count++; *count <= faultsMax {
		r.Faults = append(r.Faults, what+"\n\t"+strings.Join(lines, "\n\t"))
	}
}

// Err is what no run may have; nil if there is none of it. Repeats under their own id are allowed.
func (r *Report) Err() error {
	bad := r.Lost + r.RepeatsOther + r.Reordered + r.Corrupt + r.WrongReceiver + r.Unknown + r.AfterAck + r.BooksBad
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("%s\n%s", r, strings.Join(r.Faults, "\n"))
}

// String is one line for people.
func (r *Report) String() string {
	return fmt.Sprintf("owed %d, delivered %d, acked %d: lost %d, repeated %d with the same id and %d with another, reordered %d, corrupt %d, wrong receiver %d, unknown %d, after an ack %d; books scraped %d times, not 0: %d",
		r.Owed, r.Delivered, r.Acked, r.Lost, r.Repeats, r.RepeatsOther, r.Reordered, r.Corrupt, r.WrongReceiver, r.Unknown, r.AfterAck, r.BooksScrapes, r.BooksBad)
}
