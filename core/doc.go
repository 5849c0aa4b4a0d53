// Package core assembles a node: it is the only place where the parts meet. Its
// main type is Runtime, one process's node from New to Stop.
//
// A message's way through it, with the goroutine that each part runs on:
//
//	ingress.go   an MQ plugin's goroutine: records → core/admit's parser → dispatcher
//	push.go      an HTTP request's goroutine: the same, and the wait for the result
//	outside.go   the dispatcher's goroutine: what was settled → MQ plugins, HTTP
//	outlet.go    the loops: what shards want of store, authentication, broker
//
// prepare.go checks a configuration as far as that goes without opening anything,
// settings.go turns its sections into those of the parts, build.go makes the parts,
// runtime.go starts them in order and stop.go ends them in the opposite one.
package core
