package dispatch

import (
	"time"

	"github.com/pushcore/pushcore/core/admit"
)

// run is the dispatcher's goroutine.
func (d *Dispatcher) run() {
	defer close(d.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		more, closed := d.turn()
		if closed {
			d.release()
			return
		}
		if more {
			continue
		}
		timer.Reset(d.pause())
		select {
		case <-d.wake:
		case <-timer.C:
		}
	}
}

// turn does what came in. It tells whether there is more to do at once.
func (d *Dispatcher) turn() (more, closed bool) {
	closed = d.swap()
	now := d.cfg.Now()
	for i, in := range d.taken.inputs {
		d.state.Handle(now, in)
		d.taken.inputs[i] = nil
	}
	d.state.Reports(now, d.taken.reports)
	clear(d.taken.reports)
	d.state.Tick(now)
	more = d.state.Run(now, runRecords)
	d.submit()
	d.post()
	d.emit()
	for i := range d.taken.places {
		d.taken.places[i].answer <- d.state.HistoryPosition(d.taken.places[i].group)
	}
	clear(d.taken.places)
	for i, ask := range d.taken.asks {
		d.answer(now, &ask)
		d.taken.asks[i] = askNothing
	}
	return more && !d.state.Blocked(), closed
}

// swap takes what came in.
func (d *Dispatcher) swap() (closed bool) {
	d.taken.inputs, d.taken.reports, d.taken.asks = d.taken.inputs[:0], d.taken.reports[:0], d.taken.asks[:0]
	d.taken.places = d.taken.places[:0]
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inbox, d.taken = d.taken, d.inbox
	return d.closed
}

// submit asks the store, before the loops can learn of what is to be stored.
func (d *Dispatcher) submit() {
	if ops := d.state.StoreOps(); len(ops) > 0 {
		d.cfg.Store(ops)
		d.state.ResetStoreOps()
	}
}

// post hands over what waits for the loops, as far as their mailboxes take it.
func (d *Dispatcher) post() {
	for loop := range d.state.out {
		posted, waiting := 0, d.state.Outbound(loop)
		for posted < len(waiting) {
			n := min(len(waiting)-posted, PostMax)
			if !d.cfg.Loops.Post(loop, waiting[posted:posted+n]) {
				break
			}
			posted += n
		}
		d.state.Posted(loop, posted)
	}
}

// emit hands over the effects, batches of settlements by instance.
func (d *Dispatcher) emit() {
	e, out := d.state.Effects(), d.cfg.Outside
	for _, p := range e.Pauses {
		out.Pause(p)
	}
	for _, r := range e.Resumes {
		out.Resume(r)
	}
	for _, dead := range e.Dead {
		out.Dead(dead)
	}
	if len(e.Letters) > 0 {
		out.Publish(e.Letters)
	}
	d.emitSettled(e.Settled)
	for _, f := range d.state.Finished() {
		if f.Last {
			<-d.slots
		}
		if f.Answer {
			f.Batch.done <- f.Err
		}
	}
	d.state.ResetEffects()
}

func (d *Dispatcher) emitSettled(settled []admit.Settled) {
	for i := range settled {
		to := settled[i].Instance
		d.settled[to] = append(d.settled[to], settled[i])
	}
	for instance, s := range d.settled {
		if len(s) > 0 {
			d.cfg.Outside.Settle(instance, s)
			clear(s)
			d.settled[instance] = s[:0]
		}
	}
}

// pause is how long nothing is to be done unless something comes in.
func (d *Dispatcher) pause() time.Duration {
	const idle = time.Hour
	wait := idle
	if at, ok := d.state.Due(); ok {
		wait = max(at-d.cfg.Now().Mono, 0)
	}
	for loop := range d.state.out {
		if len(d.state.Outbound(loop)) > 0 {
			wait = min(wait, blockedRetry)
		}
	}
	return wait
}

// release answers all who wait, after the last turn.
func (d *Dispatcher) release() {
	d.state.Handle(d.cfg.Now(), StopIngress{})
	d.emit()
}
