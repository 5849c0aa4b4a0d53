// Package ring decides which loop owns a user. Its main type is Ring, a
// consistent-hash ring: the dispatcher asks it for each receiver of a message
// on the way from the broker to a loop's mailbox, and an accepting loop asks
// it where a connection belongs.
//
// A Ring is built once and read by all goroutines. It depends on nothing but
// the nodes' names and weights: the same in every run, process and build.
package ring
