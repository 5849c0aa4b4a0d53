// Package host runs plugins on the runtime's side: it gives each MQ instance its
// host and its one calling goroutine ([Broker]), and takes what shards and
// admission publish to the instance that the routes name ([Egress]). Transports
// in the core process have their host in the package local.
package host
