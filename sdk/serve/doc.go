// Package serve makes an executable of a plugin:
//
//	func main() { serve.Main(mqtt.New()) }
//
// pushcore starts it where the configuration names it as `command`, and calls the
// plugin as if it ran in the same process. Whatever the plugin writes to standard
// output or standard error ends up in pushcore's log, and so does what it says to
// its host's logger.
//
// The process outlives a runtime that goes away without a word, for as long as
// that runtime has asked it to; then it ends by itself.
package serve
