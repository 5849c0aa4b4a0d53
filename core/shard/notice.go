package shard

import (
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// notice is a receipt, dead letter or session event on its way to the broker. One
// that is not taken is published again after a while, and those of the same line
// wait behind it.
type notice struct {
	what  Publish
	line  lineKey
	debt  *debt  // nil: nothing waits for it
	about string // an event: its device or session; see event.go
	event string // what happened, of an event of a session
	delay time.Duration
	due   time.Duration
}

// lineKey names what is told in order: what one user's receipts, letters or events
// are published to. Only the first of a line is with the broker, so that what is
// tried again is not overtaken; lines do not wait for each other.
type lineKey struct {
	user   string
	output sdk.Output
	origin string
}

// noticesAtOnce bounds what a shard has with the brokers at once.
const noticesAtOnce = 1024

// Delays before a notice is published again.
const (
	noticeDelayFirst = time.Second
	noticeDelayMost  = 30 * time.Second
)

// tell lines a notice up. What it says is made now.
func (s *Shard) tell(user string, p Publish, d *debt) { s.lineUp(user, &notice{what: p, debt: d}) }

func (s *Shard) lineUp(user string, n *notice) {
	n.line = lineKey{user, n.what.Output, n.what.Origin}
	line := append(s.lines[n.line], n)
	s.lines[n.line] = line
	s.count(n)
	if len(line) == 1 {
		s.publishNotice(n)
	}
}

// publishNotice hands a notice to the broker, or lines it up behind those of other
// lines that are there already.
func (s *Shard) publishNotice(n *notice) {
	if s.recalling || len(s.told) >= noticesAtOnce {
		s.ready = append(s.ready, n)
		s.chore(s.now.Mono + noticeDelayFirst)
		return
	}
	n.what.Loop, n.what.Token = s.cfg.ID, s.nextToken()
	s.told[n.what.Token] = n
	s.effects.Publish = append(s.effects.Publish, n.what)
}

// published takes the result of a publish.
func (s *Shard) published(r *PublishResult) {
	if n := s.told[r.Token]; n != nil {
		delete(s.told, r.Token)
		s.noticed(n, r)
		s.publishReady()
		return
	}
	s.uplinked(r)
}

func (s *Shard) noticed(n *notice, r *PublishResult) {
	if r.Err != "" && r.Retryable {
		n.delay = min(max(2*n.delay, noticeDelayFirst), noticeDelayMost)
		n.due = s.now.Mono + n.delay
		s.untold = append(s.untold, n)
		s.chore(n.due)
		s.oweLine(n.line)
		return
	}
	if r.Err != "" {
		s.stats.NoticesLost++
	}
	s.nextInLine(n.line)
	if n.debt != nil {
		s.pay(n.debt)
	}
}

func (s *Shard) count(n *notice) {
	s.notices++
	if n.event != "" {
		s.events++
	}
}

func (s *Shard) uncount(n *notice) {
	s.notices--
	if n.event != "" {
		s.events--
	}
}

// waiting counts the notices that may be taken soon: without any under way the
// brokers are away.
func (s *Shard) waiting() int {
	if len(s.told)+len(s.ready) == 0 {
		return 0
	}
	return s.notices
}

// publishReady publishes what has waited for others to be taken.
func (s *Shard) publishReady() {
	for len(s.ready) > 0 && len(s.told) < noticesAtOnce {
		n := s.ready[0]
		s.ready[0], s.ready = nil, s.ready[1:]
		s.publishNotice(n)
	}
}

// nextInLine takes the first of a line off and publishes the one behind it.
func (s *Shard) nextInLine(key lineKey) {
	line := s.lines[key]
	s.uncount(line[0])
	line[0] = nil
	line = line[1:]
	if len(line) == 0 {
		delete(s.lines, key)
		return
	}
	s.lines[key] = line
	s.publishNotice(line[0])
}

// retryNotices publishes again what the broker did not take some time ago.
func (s *Shard) retryNotices() {
	s.publishReady()
	untold := s.untold
	s.untold = nil
	for _, n := range untold {
		if n.due > s.now.Mono {
			s.untold = append(s.untold, n)
			s.chore(n.due)
			continue
		}
		s.publishNotice(n)
	}
}
