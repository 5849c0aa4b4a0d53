// Package admit decides what is accepted and what is safe. Its main type is
// State. In a message's walk it stands between the broker's record and the
// dispatcher: Parse makes a message or an operation of a record, on the goroutine
// that brought it; Offer gives it an id, joins it to what is open or settled
// already, and counts it against the bounds; the shards' reports come back to
// Owed and Safe, and when all of a record is safe its settlement is an effect.
//
// Rules, each in a file: ids and repeats (repeat.go, settled.go), sources and
// their epochs (source.go), open records (open.go), bounds and pauses (bounds.go),
// letters for what cannot be understood (letter.go).
//
// State is state: no goroutine, lock, clock or socket. One goroutine owns it (the
// dispatcher's, or the simulation's). Everything it holds is bounded: open records
// by Bounds, remembered ids by Config.RememberMax, letters by the open records.
package admit
