package loop

import (
	"errors"
	"log/slog"
	"time"
)

// Config says how loops work. Zero values mean the defaults.
type Config struct {
	// Mailbox is the number of inputs that may wait in a loop's mailbox; what
	// does not fit is refused. Up to as many again may be in the loop's hands.
	// No batch that is posted may be longer. Default 8,192.
	Mailbox int

	// PostedBytes bounds the payload bytes of events that one transport has
	// posted from goroutines of its own to one loop and that were not handled
	// yet. Default 4 MiB.
	PostedBytes int

	// Credit is the number of payload bytes one transport may emit in one turn
	// of one loop. Default 1 MiB.
	Credit int

	// Inputs is the number of inputs that one turn takes from the mailbox at
	// most. Default 1,024.
	Inputs int

	// Backlog is the number of (message, receiver) pairs accepted and not yet
	// served at which a loop leaves its mailbox alone until they are fewer, so
	// that a producer that is faster than the sockets waits instead of
	// overflowing the outboxes. More pairs let more messages to one socket leave
	// in one write; fewer keep a private message's wait shorter under overload.
	// Default 65,536.
	Backlog int

	// Burst and BurstBytes are the messages, and the bytes of their payloads,
	// accepted and not yet served to all who can be served, at which a loop
	// leaves its mailbox alone. They belong below what the outbox of a session
	// holds: else a burst to one device that reads fills its outbox before the
	// device was given anything, and is taken for its slowness. Defaults 512
	// and 512 KiB.
	Burst, BurstBytes int

	// Chunk is the number of items that are served in one turn. Between chunks
	// descriptors, mailbox and timers have their turn. Default 512.
	Chunk int

	// Ready is the number of ready descriptors one turn takes. Default 512.
	Ready int

	// Tick is the step of the transports' timers: they are late by up to it.
	// Default 100 ms.
	Tick time.Duration

	// CPUs pins loop i to CPUs[i modulo length]. Empty: not pinned, which is
	// right unless nothing else runs on those cores. Linux only.
	CPUs []int

	// Start is the zero of the monotonic time that shards and timers run on.
	// The zero value means the moment of NewSet.
	Start time.Time

	// Log takes what an operator must know, such as a refused CPU. Default: the
	// process's.
	Log *slog.Logger
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	for _, n := range []int{c.Mailbox, c.PostedBytes, c.Credit, c.Inputs, c.Backlog, c.Burst, c.BurstBytes, c.Chunk, c.Ready, int(c.Tick)} {
		if n < 0 {
			return errors.New("loop: a bound must not be negative")
		}
	}
	for _, cpu := range c.CPUs {
		if cpu < 0 {
			return errors.New("loop: a CPU number must not be negative")
		}
	}
	return nil
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&c.Mailbox, 8192}, {&c.PostedBytes, 4 << 20}, {&c.Credit, 1 << 20},
		{&c.Inputs, 1024}, {&c.Backlog, 65536}, {&c.Burst, 512}, {&c.BurstBytes, 512 << 10}, {&c.Chunk, 512}, {&c.Ready, 512},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Tick == 0 {
		c.Tick = 100 * time.Millisecond
	}
	if c.Start.IsZero() {
		c.Start = time.Now()
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}
