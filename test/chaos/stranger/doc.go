// Package stranger is a device written from docs/wire.md alone, with the standard library: no line of it is shared with
// sdk/wire, sdk/client or the node, so that what the chaos rig finds does not hang on our own reading of our own page.
//
// It does what a device must, and what one should not: it can keep acks to itself, and read nothing. It drops no
// repeats, but shows each frame that comes.
package stranger
