package check

import (
	"fmt"
	"time"
)

// Schedule is when a message without an ack is to come again on a connection, after its last coming.
type Schedule struct {
	Delays []time.Duration // the node's delivery.retry
	Jitter float64         // as a share: 0.1
	Tick   time.Duration   // how late the node's clock and the way to the device may make it
}

// Attempts is how deliveries that were not acked came again.
type Attempts struct {
	Messages  int // deliveries to a device on one connection
	Again     int // that came again, counted each time
	TooMany   int // comings beyond one and the schedule's
	OffBeat   int // gaps that are not the schedule's
	LatestOff time.Duration
	Faults    []string
}

// Attempts holds every message's comings on each connection against the schedule.
func (s Schedule) Attempts(events []Event) *Attempts {
	a := &Attempts{}
	comings := map[handled][]*Event{}
	for i := range events {
		if e := &events[i]; e.Kind == "push" && e.Seq != 0 {
			at := handled{e.Conn, e.ID}
			comings[at] = append(comings[at], e)
		}
	}
	for _, list := range comings {
		a.Messages++
		s.hold(a, list)
	}
	return a
}

func (s Schedule) hold(a *Attempts, list []*Event) {
	for i := 1; i < len(list); i++ {
		a.Again++
		if i > len(s.Delays) {
			a.fault(&a.TooMany, fmt.Sprintf("came %d times", i+1), list[i-1], list[i])
			continue
		}
		want, gap := s.Delays[i-1], list[i].At.Sub(list[i-1].At)
		earliest := time.Duration(float64(want)*(1-s.Jitter)) - s.Tick
		latest := time.Duration(float64(want)*(1+s.Jitter)) + s.Tick
		if off := max(earliest-gap, gap-latest); off > 0 {
			a.LatestOff = max(a.LatestOff, off)
			a.fault(&a.OffBeat, fmt.Sprintf("came again after %s, not %s", gap, want), list[i-1], list[i])
		}
	}
}

func (a *Attempts) fault(count *int, what string, before, after *Event) {
	if *count++; *count <= faultsMax {
		a.Faults = append(a.Faults, what+"\n\t"+before.Line+"\n\t"+after.Line)
	}
}

// String is one line for people.
func (a *Attempts) String() string {
	return fmt.Sprintf("%d deliveries, %d more for want of an ack; %d beyond the schedule, %d off its beat by at most %s", a.Messages, a.Again, a.TooMany, a.OffBeat, a.LatestOff)
}
