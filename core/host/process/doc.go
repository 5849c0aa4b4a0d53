// Package process runs plugins as processes of their own. [Start] brings one up
// under hashicorp/go-plugin: checksum, environment, handshake, control service,
// logs, memory. A [Process] ends on Close or Kill, or by itself, which Done tells
// and ExitText explains.
//
// Nothing of a plugin's process hangs on the runtime's: its standard output and
// standard error are files in a directory made for it alone, its sockets lie there
// too, and it is in a process group of its own.
package process
