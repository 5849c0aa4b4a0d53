// Package fates remembers what became of messages, for a while: the answer to
// "where is my message?" once it is not pending any more. What is pending is
// answered from the live state, never from here.
//
// A History is the state of one shard: no goroutine, lock or clock. It is told of
// each message at acceptance and of each (message, receiver) at its end, on the hot
// path, so it is a log in a ring of bytes: one append each, no pointers for the
// collector to walk, nothing allocated once the ring is full. The oldest goes first,
// whatever it is.
package fates
