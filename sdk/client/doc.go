// Package client is the device's side of pushcore in Go: it connects, hands
// messages to a Handler and acks them, resumes after every break, drops
// repeats, and brings messages of the device to the backend.
//
//	c, err := client.New(client.Config{
//		URLs:    []string{"wss://push.example/connect"},
//		Token:   token,
//		Handler: func(ctx context.Context, m client.Message) error { return show(m) },
//	})
//	…
//	err = c.Send(ctx, "position", []byte(`{"lat":52.2}`))
//	…
//	c.Close(ctx)
//
// # What it promises
//
// A reliable message reaches the Handler at least once while the process runs
// and the node has it, in the order in which the node sends, and again only
// if the Handler returned an error or the message is older than the node's
// remember_ids (ACCEPT says how many). It is acked when the Handler has
// returned nil. A fast message reaches the Handler at most once for each time
// that it is sent. Ids are remembered in memory: after a restart of the
// program a message whose ack was lost comes again.
//
// # Goroutines
//
// A Client runs three goroutines, and a fourth for the moment in which it
// fetches a new token: run, which connects and reads; write, one for each
// connection, which alone writes; and handle, which calls the Handler, one
// message at a time. The Handler may therefore block, and may call Send and
// Join: reading goes on meanwhile. What waits for it is bounded: reliable
// messages by the window, since the node sends no more ahead of the acks, fast
// ones by Config.FastMax, of which the oldest goes.
//
// All state that these share is behind one mutex and in types of their own,
// which have no goroutine and no clock: inbox (what was received, is open and
// is to be acked) and memory (the ids).
package client
