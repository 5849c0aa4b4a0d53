// Package compress shrinks payloads on their way to devices. Its main types are
// Codec and Registry, the codecs of one loop.
//
// In a message's walk it stands between the outbox and the frame: a device
// offers codecs in CONNECT, Choose picks one, and the shard compresses a
// message once for all sessions with that codec, when the first of them is
// served. The frame says whether its payload is compressed, since small ones
// and those that do not shrink go as they are.
//
// Two kinds of codec have their place here and are not built yet. Dictionaries,
// for payloads below the threshold, are codecs of their own with a name and a
// number each, made for a Registry from the configured file. Browsers' deflate
// (permessage-deflate) is done per connection by the plugin that speaks it, on
// what this package left uncompressed.
//
// A Registry is used by the goroutine of one loop. Nothing here starts a
// goroutine.
package compress
