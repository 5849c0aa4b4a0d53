package ack

import (
	"errors"
	"fmt"
	"time"
)

// Config is the retry policy and the bounds of all windows of a loop.
type Config struct {
	// Delays are the waits for an ack on one connection, in order: before the
	// first resend, before the second, and so on. The last one is also the wait
	// after the last resend. 1 to 250 of 1 ms to 24 h; default 1, 2, 4, 8, 16 s.
	Delays []time.Duration

	// JitterPercent spreads each delay evenly by as much either way, so that
	// the devices of a room do not cause resends all at once. 0 to 50,
	// default 10.
	JitterPercent int

	// AttemptsTotal is how many attempts a message has over all sessions.
	// 1 to 255, default 30.
	AttemptsTotal int

	// MessagesMax bounds the messages of one window, BytesMax their bytes, both
	// at least 1. A message is taken while neither is reached, so the bytes may
	// go beyond by one message and a message of any size passes. Defaults 256
	// and 1 MiB.
	MessagesMax int
	BytesMax    int
}

const (
	delayMin   = time.Millisecond
	delayMax   = 24 * time.Hour
	delaysMax  = 250
	jitterMax  = 50
	totalMax   = 255
	windowMax  = 1 << 16
	resendUnit = time.Minute // a reconnect's resend counts at most once in it
)

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	s := time.Second
	return Config{
		Delays:        []time.Duration{1 * s, 2 * s, 4 * s, 8 * s, 16 * s},
		JitterPercent: 10,
		AttemptsTotal: 30,
		MessagesMax:   256,
		BytesMax:      1 << 20,
	}
}

// Validate reports every field that is out of its range.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(len(c.Delays) >= 1 && len(c.Delays) <= delaysMax, "%d retry delays, must be 1 to %d", len(c.Delays), delaysMax)
	for _, d := range c.Delays {
		check(d >= delayMin && d <= delayMax, "retry delay %v, must be %v to %v", d, delayMin, delayMax)
	}
	check(c.JitterPercent >= 0 && c.JitterPercent <= jitterMax, "retry jitter %d %%, must be 0 to %d", c.JitterPercent, jitterMax)
	check(c.AttemptsTotal >= 1 && c.AttemptsTotal <= totalMax, "%d attempts in total, must be 1 to %d", c.AttemptsTotal, totalMax)
	check(c.MessagesMax >= 1 && c.MessagesMax <= windowMax, "window of %d messages, must be 1 to %d", c.MessagesMax, windowMax)
	check(c.BytesMax >= 1, "window of %d bytes, must be at least 1", c.BytesMax)
	return errors.Join(errs...)
}

// delay returns how long to wait for an ack of the n-th send (from 1) on a
// connection. It depends on its arguments alone, so that a run can be repeated
// and does not change with the order of calls.
func (c *Config) delay(seed, seq uint64, n int) time.Duration {
	d := c.Delays[min(n, len(c.Delays))-1]
	spread := d * time.Duration(c.JitterPercent) / 100
	return d - spread + time.Duration(mix(seed, seq, uint64(n))%uint64(2*spread+1))
}

// mix hashes three numbers with the finalizer of SplitMix64 (Steele, Lea,
// Flood 2014).
func mix(a, b, c uint64) uint64 {
	const golden = 0x9e3779b97f4a7c15
	h := a
	for _, v := range [...]uint64{b, c} {
		h += golden + v
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}
