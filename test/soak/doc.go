// Package soak runs whole nodes as processes between real brokers and real
// clients, breaks what can break, and checks what every user was promised: nothing
// lost, order kept, repeats only under the same id, commits never ahead of safety.
// The checker shares no code with the node: it reads what devices logged.
package soak
