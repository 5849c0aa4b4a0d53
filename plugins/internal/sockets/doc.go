// Package sockets is the transport over stream sockets that tcp and ws share:
// listeners, connections, reading, writing and timing on the host's loops. What
// differs between them, how device frames lie in the stream, is a [Codec].
//
// # A connection's way
//
//	accept → Connecting ── CONNECT ──► Waiting ── Accept ──► Moving ──► Attached ──► Ending → closed
//	         reads          Event       reads not           (the owner's    reads      reads and
//	                                                         loop)                     discards
//
// A connection is touched by one loop at a time: the one that accepted it until
// Moving, the owner's from Attached on; the hand-over goes through Poller.Do.
//
// # Memory
//
// A loop has one read buffer and one arena for what a turn writes, whatever the
// number of its connections. A connection holds bytes of its own only while a
// frame is half read or the socket did not take all.
package sockets
