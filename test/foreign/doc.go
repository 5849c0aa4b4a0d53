// Package foreign tests the plugins of examples/plugins that are written in other
// languages, and with them docs/plugin-protocol.md: what plays the runtime here was
// written from that page, and has of the runtime itself nothing but the codec. What
// a plugin needs is installed into the user's cache by its own package manager.
package foreign
