// Package node tests whole nodes: what the binary assembles, in this process, over
// real sockets, with devices that speak frames by hand where the client library
// would hide what is looked at. Brokers are played by a plugin of this package
// (broker_test.go); real ones are test/soak's.
package node
