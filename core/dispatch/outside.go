package dispatch

import (
	"github.com/pushcore/pushcore/core/admit"
	"github.com/pushcore/pushcore/core/envelope"
)

// PostMax is the most inputs that one Post hands over. An empty mailbox must have
// room for as many.
const PostMax = 64

// Loops is where the inputs of shards go.
type Loops interface {
	// Post puts inputs into a loop's mailbox, in order, and wakes the loop once;
	// or it takes none of them and returns false because the mailbox is full.
	// Then Dispatcher.Space tells that it is not any more. It must not block.
	// The slice is the dispatcher's again when Post returns.
	Post(loop int, in []envelope.Input) bool
}

// Outside is where the effects of admission go: the hosts of MQ plugins, HTTP, and
// who publishes letters. Its methods are called by the dispatcher's goroutine and
// must not block. Slices are valid during the call.
type Outside interface {
	// Settle tells an instance what became of records; admit.Settlements gives
	// it the form for plugins.
	Settle(instance int, s []admit.Settled)
	Pause(p admit.Pause)
	Resume(r admit.Resume)
	// Publish publishes dead letters; each is answered by Dispatcher.Published.
	Publish(l []admit.Letter)
	// Dead is for the log.
	Dead(d admit.Dead)
}
