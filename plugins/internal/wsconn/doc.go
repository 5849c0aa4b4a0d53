// Package wsconn is the server side of RFC 6455 without a socket: bytes go in,
// events come out, and what is to be written is appended to a buffer of the
// caller. It has no goroutine, lock, clock or descriptor, so one
// implementation serves an epoll loop with many idle connections as well as a
// library that brings goroutines of its own.
//
// A connection begins as a [Handshake], fed until its [Upgrader] accepts or
// refuses the HTTP request, and goes on as a [Conn]:
//
//	req, rest, err := handshake.Feed(upgrader, peer, in)
//	switch {
//	case err != nil:  // Write refusal.AppendResponse, close.
//	case req == nil:  // Read more.
//	default:          // Write req.AppendResponse; rest is the first frames.
//	}
//
//	for {
//		event, rest, err := conn.Next(in)
//		if err != nil || event.Opcode == wsconn.None {
//			break
//		}
//		in = rest // Deal with event, then go on behind it.
//	}
//
// # Messages and frames
//
// "Message" and "client" are RFC 6455's words in this package: a message is
// what one or more WebSocket frames carry, a client is the side that masks. A
// device frame of sdk/wire is the payload of such a message.
//
// # Memory
//
// A message that lies whole in the caller's read buffer and came in one frame
// is unmasked where it is and delivered as a slice of that buffer, without
// copy or allocation. Only what is unfinished at the end of the buffer is
// kept, in a buffer that grows with the bytes that really came (never with the
// length that a header claims) and is let go when the message is complete. An
// idle Conn is 56 bytes and holds no buffer.
//
// # The end of a connection
//
// After each of the following nothing more is read from the peer; Next ignores
// what still comes.
//
//	what happened             write                                  then
//	Next gave a Close event   AppendClose(dst, event.Code, "")       close
//	Next gave an *Error       AppendClose(dst, err.Code, err.Rule)   close
//
// To close from this side, write AppendClose and go on reading until the
// Close event (or a deadline); AppendClose then appends nothing, since one
// Close frame is all that a side may send. [Conn.Closing] says that no more
// messages may be written.
//
// A socket that is closed while input is unread makes the kernel send a reset,
// which can destroy the Close frame before the peer reads it: shut down the
// writing side, and read and discard until the end of the stream or a
// deadline.
//
// # Extensions
//
// None is ever negotiated, permessage-deflate included: offers are ignored, as
// the RFC allows, so every reserved bit is a protocol error. Payloads are
// compressed once per message for all receivers by the core, not once per
// connection here.
//
// # What is gobwas/ws and what is ours
//
// Masking, opcodes and status codes come from gobwas/ws. Its header codec
// reads from an io.Reader and its Upgrader blocks on one; it also leaves
// malformed request lines unanswered, does not join repeated list headers and
// accepts lengths that are not minimal. So headers, handshake, frame rules and
// UTF-8 are read here, and the tests compare the header codec with its.
package wsconn
