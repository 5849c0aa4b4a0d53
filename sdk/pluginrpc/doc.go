// Package pluginrpc carries the plugin interface as bytes. It holds the records
// that cross between the runtime and a plugin, and [Transport] and [MQ], which
// put a plugin behind them: every call is turned into records and back between
// two goroutines, so that a plugin that passes its suite through them uses
// nothing that cannot cross to a process of its own. Links between processes
// carry the same records.
//
// # Links
//
// A transport has one link for each loop, an MQ plugin has one; a link is an
// ordered stream of records each way. What belongs to one connection or source
// stays on its link, so nothing overtakes. Records of one loop turn are handed
// over together; the last of them is a Flush. Nobody waits for the other side
// when writing: what may be under way upwards is bounded by credits (Credit,
// Flush), downwards by what the plugin says that it has taken (Flushed).
//
// The runtime's end is a [Link], the plugin's end belongs to [Loops]. What is
// between them is a carrier: two streams within one process, a unix socket
// between two, or messages of a gRPC stream.
//
// # Records
//
// A record is a header of 24 bytes and a body, all numbers little endian:
//
//	offset size
//	0      4    length of the body, at most MaxBody
//	4      1    kind
//	5      1    flags
//	6      2    code
//	8      8    a
//	16     8    b
//
//	kind        flags              code  a           b         body
//	event       1 final, 2 write   Code  Conn        Seq       event fields
//	command     1 retryable, 2 gap Code  Conn        Position  command fields
//	deliver                              messages    items     messages, items
//	flush                                consumed    credit
//	credit                               consumed    credit
//	assigned    1 stable positions       Epoch                 name
//	revoked                              Epoch                 name
//	batch                                Epoch       token     source, records
//	cancel                                           token
//	taken       1 error                              token     text
//	settle      Outcome                  Epoch                 source, positions
//	publish                              ID                    output, key, headers, body
//	published   1 final                  ID                    text
//	pause                                                      source
//	resume                                                     source
//	status      1 up                                           text
//	lag                                  records               source
//	hello                                loop                  token
//	flushed                              flushes     bytes
//	conn         1 gone                  Conn        Seq       acked, queued, keep
//	tableEnd                             rows
//	freeze
//	frozen                               conns
//	adopted                              conns                 pairs of old and new id
//
// The kind of an event is its sdk.EventKind, that of a command 0x40 more than its
// sdk.CommandKind. Flags not named are 0, and so are numbers and bodies.
//
// In bodies a number is a varint (encoding/binary), signed ones in zig-zag; a
// string or byte slice is its length and its bytes; a list is its length and its
// items; a time is seconds since 1970 and nanoseconds, a duration nanoseconds.
// The body of an event or command begins with a bit set of the fields that
// follow, in the order of the bits, and is empty if none does: an ack is 24 bytes.
// An item of a batch is fixed: 8 bytes Conn, 8 Seq, 4 message index.
//
// Empty and nil are the same. Decoding checks every length against what is
// there, before it allocates for it, and every enumeration against what is known,
// and what is left over at the end is an error.
package pluginrpc
