package process

import "sync"

// child is the operating system's side of a plugin's process. Its methods may be
// called from any goroutine.
type child struct {
	ended chan struct{} // closed when the process has ended and is reaped

	mu     sync.Mutex  // guards the rest
	pid    int         // 0: not started
	ours   func() bool // says whether pid is still this process; nil: it is until gone
	gone   bool        // the pid may be another's
	reason string      // why the runtime has killed it
	killed bool        // it was ended by SIGKILL
	status string      // how it ended, once it has
}

func newChild() *child { return &child{ended: make(chan struct{})} }

// started tells which process it is.
func (c *child) started(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pid = pid
	if c.reason != "" {
		killGroup(pid)
	}
}

// verify has ours asked before the process is killed.
func (c *child) verify(ours func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ours = ours
}

// id is the id of the process, 0 if it was not started.
func (c *child) id() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid
}

// kill ends the process and its children for a reason; the first one counts.
func (c *child) kill(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	if c.reason == "" {
		c.reason = reason
	}
	if c.pid != 0 && (c.ours == nil || c.ours()) {
		killGroup(c.pid)
	}
}

// killRest ends what the process has left behind. It is called when the process
// has ended and before it is reaped: until then its id is nobody else's.
func (c *child) killRest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	killGroup(c.pid)
	c.gone = true
}

// end tells how the process ended, and whether by SIGKILL.
func (c *child) end(status string, killed bool) {
	c.mu.Lock()
	c.gone = true
	c.status, c.killed = status, killed
	c.mu.Unlock()
	close(c.ended)
}

// how is the end in words, such as "exited with status 1".
func (c *child) how() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed && c.reason != "" {
		return "was killed: " + c.reason
	}
	return c.status
}

// ownEnd is how the process ended if the runtime has not killed it, else empty.
func (c *child) ownEnd() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed && c.reason != "" {
		return ""
	}
	return c.status
}
