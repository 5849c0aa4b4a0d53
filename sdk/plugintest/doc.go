// Package plugintest is the contract of plugins in executable form: what package
// sdk says in words, this kit tries on a plugin, and names the rule that is
// broken, what was seen, and what happened on the connection or source up to then.
//
// # A transport
//
// The kit cannot speak your protocol, so you bring a [Driver]: a small client
// that opens connections, does what devices do, and reports what devices see.
// For a protocol that carries the frames of sdk/wire there is [WireDriver].
//
//	func TestConformance(t *testing.T) {
//		plugintest.TestTransport(t, plugintest.TransportSuite{
//			New:     func() sdk.Transport { return line.New() },
//			Options: []byte(`{"listen":"127.0.0.1:0"}`),
//			Driver:  driver{},
//			Lacks:   []plugintest.Ability{plugintest.AckRanges},
//		})
//	}
//
// What your protocol cannot do is declared in Lacks; the trials that need it are
// listed as skipped. A method of the driver that returns errors.ErrUnsupported
// for an ability not declared so fails the suite: nothing is left out silently.
//
// # An MQ plugin
//
// For an MQ plugin you bring a [Broker]: it produces records, cuts the plugin's
// connections, moves its sources away, and tells what the broker would give out
// again. See [MQSuite].
//
// # How it runs
//
// Each trial has a plugin of its own, opened on a recording [Host] with loops of
// its own. Each suite runs twice: "direct", and through the records of
// sdk/pluginrpc, as if the plugin were a process of its own: through a socket
// ("socket") and, where Portable says so, through pipes ("portable"), an MQ plugin
// by memory ("bytes"). The host
// checks every call while the trials go on: events on a wrong loop or goroutine,
// before Attached, after Closed. After each call it overwrites the memory that
// it had lent, so a plugin that keeps a slice is found out.
//
// A rule about what must not happen is checked by waiting a little while
// ([TransportSuite].Quiet) for it; such a check may overlook a breach on a slow
// machine, but never reports one that is not there. What must happen is waited
// for up to Patience.
package plugintest
