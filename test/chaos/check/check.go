package check

import "time"

// AckGrace is how long after an ack a delivery may still arrive that had been under way: less than the shortest delay
// after which a message is sent again. Where the rig stops processes, it is longer by as much.
const AckGrace = 500 * time.Millisecond

// Check holds a run's events, oldest first, against what was promised.
func Check(events []Event, ackGrace time.Duration) *Report {
	c := &checker{
		ackGrace: ackGrace, report: &Report{}, published: map[Message]*publication{}, byID: map[string]Message{},
		devices: map[device]*receiver{}, acked: map[handled]*Event{},
	}
	for i := range events { // Publications first: clocks of two processes may stand in either order.
		c.publication(&events[i])
	}
	for i := range events {
		c.event(&events[i])
	}
	c.close()
	return c.report
}

type device struct{ user, name string }

// handled names a delivery that a device has acked, on one connection.
type handled struct{ conn, id string }

// publication is what is known of a message.
type publication struct {
	id, line  string
	safe      bool
	delivered bool
	ackedAt   time.Time
}

// receiver is what a device got, by source.
type receiver struct {
	last     map[string]int    // highest number
	lastLine map[string]string // and where
	seen     map[Message]string
}

type checker struct {
	ackGrace  time.Duration
	report    *Report
	published map[Message]*publication
	byID      map[string]Message
	devices   map[device]*receiver
	acked     map[handled]*Event // the first ack of each
	kill      time.Time          // the last one
	start     time.Time          // likewise
	lastAck   time.Time
	lastSafe  time.Time
}

func (c *checker) publication(e *Event) {
	if e.Kind != "try" && e.Kind != "safe" {
		return
	}
	p := c.published[e.Message]
	if p == nil {
		p = &publication{id: e.ID, line: e.Line}
		c.published[e.Message] = p
		c.byID[e.ID] = e.Message
	}
	if e.Kind == "safe" && !p.safe {
		p.safe, p.line = true, e.Line
		c.report.Owed++
		c.lastSafe = later(c.lastSafe, e.At)
	}
}

func (c *checker) event(e *Event) {
	switch e.Kind {
	case "push":
		c.push(e)
	case "ack":
		c.ack(e)
	case "books":
		c.report.BooksScrapes++
		if e.Value != 0 {
			c.report.fault(&c.report.BooksBad, "the books do not balance", e.Line)
		}
	case "kill":
		c.report.Kills++
		c.kill = e.At
	case "start":
		c.start = e.At
	}
}

// ackLost is how long before a kill an ack may have been said that the node's store
// has not heard of.
const ackLost = time.Second

// ackMayBeLost says whether the node was killed about when an ack was said, on a
// connection that has outlived it.
func (c *checker) ackMayBeLost(ack *Event) bool {
	if c.kill.IsZero() || ack.At.Before(c.kill.Add(-ackLost)) {
		return false
	}
	return c.start.Before(c.kill) || ack.At.Before(c.start)
}

// push holds a delivery against what was published.
func (c *checker) push(e *Event) {
	m, id, whole := parsePayload(e.Payload)
	if !whole {
		c.report.fault(&c.report.Corrupt, "the payload is not what was published", e.Line)
		return
	}
	p := c.published[m]
	switch {
	case p == nil:
		c.report.fault(&c.report.Unknown, "nobody published "+m.String(), e.Line)
		return
	case m.User != e.User:
		c.report.fault(&c.report.WrongReceiver, e.User+" got what is for "+m.User, e.Line, p.line)
		return
	case id != p.id || e.ID != p.id:
		c.report.fault(&c.report.RepeatsOther, m.String()+" came under another id than it was published with", e.Line, p.line)
		return
	}
	if ack := c.acked[handled{e.Conn, e.ID}]; ack != nil && e.Seq != 0 && e.At.Sub(ack.At) > c.ackGrace && !c.ackMayBeLost(ack) {
		c.report.fault(&c.report.AfterAck, m.String()+" came again on the connection on which it had been acked", ack.Line, e.Line)
	}
	c.deliver(e, m, p)
}

// deliver looks at order among first deliveries.
func (c *checker) deliver(e *Event, m Message, p *publication) {
	r := c.devices[device{e.User, e.Device}]
	if r == nil {
		r = &receiver{last: map[string]int{}, lastLine: map[string]string{}, seen: map[Message]string{}}
		c.devices[device{e.User, e.Device}] = r
	}
	if _, again := r.seen[m]; again {
		c.report.Repeats++
		return
	}
	r.seen[m] = e.Line
	if p.safe && !p.delivered {
		c.report.Delivered++
	}
	p.delivered = true
	if last, some := r.last[m.Source]; some && m.Number < last {
		c.report.fault(&c.report.Reordered, m.String()+" came first behind a later one", r.lastLine[m.Source], e.Line)
		return
	}
	r.last[m.Source], r.lastLine[m.Source] = m.Number, e.Line
}

func (c *checker) ack(e *Event) {
	m, ok := c.byID[e.ID]
	if !ok {
		return // Its push was found unknown or corrupt.
	}
	if at := (handled{e.Conn, e.ID}); c.acked[at] == nil {
		c.acked[at] = e
	}
	if p := c.published[m]; p.safe && p.ackedAt.IsZero() {
		p.ackedAt = e.At
		c.report.Acked++
		c.lastAck = later(c.lastAck, e.At)
	}
}

func (c *checker) close() {
	for m, p := range c.published {
		if p.safe && !p.delivered {
			c.report.fault(&c.report.Lost, m.String()+" never came", p.line)
		}
		if !p.ackedAt.IsZero() && p.ackedAt.Before(c.kill) {
			c.report.AckedByKill++
		}
	}
	if !c.start.IsZero() {
		c.report.LastAckAfter, c.report.LastSafeAfter = c.lastAck.Sub(c.start), c.lastSafe.Sub(c.start)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
