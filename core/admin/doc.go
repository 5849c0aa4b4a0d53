// Package admin is the node's HTTP side: publishing for backends, views and
// controls for operators, health and metrics. It holds no state of the node; it
// translates requests for a [Node] and its answers into HTTP. The listener and
// its TLS belong to the runtime.
package admin
