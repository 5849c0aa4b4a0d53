// Package driver runs drivers of the conformance kit as executables, so that
// they can be written in any language. What crosses is in docs/plugin-driver.md:
// JSON, one object a line; the kit commands, the driver says what devices saw.
//
// [Start] gives the kit's side: a [Process] is a plugintest.Driver, and makes
// places in brokers for MQ plugins. [Serve] and [ServeBroker] give the driver's
// side: they make an executable of a driver that is written in Go.
package driver
