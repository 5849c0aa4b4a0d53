// Package scalar holds the values that a user writes with a unit or that must
// never be printed: [Duration], [Size], [Rate] and [Secret]. Configuration,
// command-line flags and the push-ttl header share these parsers, so a value
// means the same wherever it is written. Each type marshals to the text that
// its parser reads back.
//
// Every parse error names the text it was given, what is wrong with it and how
// it should look; the place (file and line, flag or header) is the caller's to
// add.
package scalar
