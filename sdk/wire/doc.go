// Package wire is the protocol between a node and its devices, bytes only: it
// has no socket, goroutine, lock or clock. docs/wire.md is its specification
// for implementers in any language, testdata holds the vectors.
//
// A frame is one type byte and its fields ([Connect] … [Move], one file
// each). Every frame type has the same four methods, see [Frame]: Append and
// Parse for the binary form, AppendJSON and ParseJSON for the JSON form. On a
// byte stream a frame is preceded by its length ([PrefixLength],
// [SplitFrame]); on WebSocket a message is a frame. A PUSH is encoded in two
// parts, so that its body is made once for all receivers ([AppendPushHead],
// [AppendPushBody]).
//
// The package also holds what frames and records have in common: addresses of
// receivers ([Address]) and the registry of close codes ([Code]).
//
// Parse never trusts a length: every string and list has a limit, checked
// before anything is allocated. Append trusts its caller: what a frame may hold
// is said at its fields and told beforehand by [ValidID] and its like; a frame
// that breaks it is refused by its receiver.
package wire
