package serve

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pushcore/pushcore/sdk/pluginrpc"
)

// birth is how the process came to be.
type birth struct {
	cookie string
	stdout *os.File // what it was; nil unless pushcore started the process
	fault  error
}

// born is known before main begins: the first line on standard output is the
// handshake's, so whatever main prints before it calls Main has to go elsewhere.
// In a process that pushcore has not started nothing happens.
var born = newBirth()

// newBirth takes the cookie out of the environment, lest a child of this process
// takes itself for a plugin, and standard output away.
func newBirth() *birth {
	b := &birth{cookie: os.Getenv(pluginrpc.CookieKey)}
	if b.cookie != pluginrpc.CookieValue {
		return b
	}
	if b.fault = os.Unsetenv(pluginrpc.CookieKey); b.fault != nil {
		return b
	}
	b.stdout, b.fault = takeStdout()
	return b
}

// refusal is why the process cannot serve, in one line for whoever started it, or
// empty.
func (b *birth) refusal(program string) string {
	name := filepath.Base(program)
	switch {
	case b.fault != nil:
		return fmt.Sprintf("%s: take standard output away: %v", name, b.fault)
	case b.cookie == "":
		return fmt.Sprintf("%s is a plugin, which pushcore starts: name it as `command` of an instance in pushcore's configuration, "+
			"or look at it with `pushcore plugin inspect -- %s`", name, program)
	case b.stdout == nil:
		return fmt.Sprintf("%s: %s=%q is not what this plugin expects: it was made for another version of pushcore", name, pluginrpc.CookieKey, b.cookie)
	}
	return ""
}
