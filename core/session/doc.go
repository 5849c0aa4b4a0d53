// Package session holds what a shard knows of users, their devices and their
// sessions: plain state with small methods that keep it consistent. What happens
// to it, and when, is the shard's (core/shard).
//
// Its main types are Session, Outbox and Pair. In a message's walk a Pair, the
// (message, receiver) of the delivery contract, enters an Outbox, moves to the
// session's window when it is served, and ends there.
package session
