// Package sim runs a whole node under a seed, with virtual time: the real
// dispatcher state, shards and memory store between fake brokers, transports and
// devices. There is no goroutine in it. Every crossing is a queue (dispatcher →
// loop and back, loop → loop, store, authentication, the transport's Attach, the
// broker's answers), and each step moves one thing, chosen at random: so whatever
// can come late or early does, and what is sent from one end to another keeps its
// order.
//
// The main type is World; Run plays one seed to its end. What must always hold is
// checked after every step (check.go), what must hold at last when all has come to
// rest (rest.go).
package sim
