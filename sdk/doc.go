// Package sdk is the one contract between the pushcore runtime and its plugins.
//
// A [Transport] carries sessions of devices into the node; an [MQ] joins a
// message broker to it. Both are semantic: a transport owns listeners, sockets,
// TLS, framing, pings and write buffers; the runtime owns users, groups,
// authentication, sessions, order, acks, retries and every policy. A transport
// therefore says what happened on a connection ([Event]) and is told what to do
// ([Command], [Batch]); it never decides whom a message is for.
//
// Everything that crosses between the two sides is plain data in batches: no
// function, channel, context or pointer identity crosses, so the same plugin
// runs inside the core process or in a process of its own, chosen in the config.
// What does not cross, and is given by whichever process the plugin runs in, is
// [Host] and [Poller].
//
// # Calls
//
// Configure may be called many times and has no side effects. Open is called
// once. Deliver, Command and Flush are called on the loop they name, one loop
// never concurrently with itself; they must not block. A turn of a loop may call
// Deliver and Command any number of times, in the order in which things are to
// reach each connection, and ends with Flush. Close is the last call.
//
// # Byte slices
//
// A slice handed over by a call belongs to the caller again when the call
// returns, in both directions. Who needs it longer copies it. The two exceptions
// are stated where they stand: [Host].Post and [MQHost].Batch take ownership.
package sdk
