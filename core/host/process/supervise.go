package process

import (
	"context"
	"errors"
	"time"
)

// run keeps the plugin's process running until Close.
func (i *Instance) run() {
	defer close(i.done)
	for {
		why, ended := i.watch()
		if ended {
			return
		}
		i.lost(why)
		i.log.Error("the plugin's process has ended: its devices are detached until they come back", "why", why)
		if !i.revive() {
			return
		}
	}
}

// watch returns when the process is of no use any more, and why, or when the
// instance is closing.
func (i *Instance) watch() (why string, closing bool) {
	i.mu.Lock()
	proc := i.proc
	i.mu.Unlock()
	if proc == nil {
		return "", true // Closing came while it was down.
	}
	select {
	case <-i.closing:
		return "", true
	case <-i.replaced:
		return i.watch()
	case r := <-i.replacing:
		select {
		case i.upgrading <- struct{}{}:
			i.replace(proc, r)
			<-i.upgrading
		default:
			r.done <- errUpgrading
		}
		return i.watch()
	case <-proc.Done():
	case err := <-i.broken:
		select {
		case <-proc.Done(): // Its links have ended with it.
		case <-time.After(100 * time.Millisecond):
			proc.Kill("its link is broken: " + err.Error())
		}
	}
	// If it is being upgraded, what comes of that decides.
	select {
	case i.upgrading <- struct{}{}:
		<-i.upgrading
	case <-i.closing:
		return "", true
	}
	i.mu.Lock()
	still := i.proc == proc
	i.mu.Unlock()
	if !still {
		return i.watch()
	}
	return proc.ExitText(), false
}

// lost tells everybody that the process is gone.
func (i *Instance) lost(why string) {
	i.mu.Lock()
	i.proc, i.fault = nil, errors.New(why)
	i.mu.Unlock()
	for _, s := range i.transport.seats {
		i.on(s.loop, s.down)
	}
}

// replace ends a process in good order and starts another one.
func (i *Instance) replace(proc *Process, r *replacing) {
	i.log.Info("the plugin is closed and started again")
	err := proc.Close(time.Now().Add(replaceWithin))
	i.lost("it is being replaced")
	before := i.plugin
	i.mu.Lock()
	i.plugin = r.plugin
	i.mu.Unlock()
	if up := i.start(); up != nil {
		err = errors.Join(up, err)
		i.mu.Lock()
		i.plugin = before
		i.mu.Unlock()
		i.revive()
	}
	r.done <- err
}

// revive starts the plugin again until that succeeds; false: the instance is
// closing.
func (i *Instance) revive() bool {
	for {
		if !i.restart.pause(i.closing, i.log) {
			return false
		}
		err := i.start()
		if err == nil {
			i.restart.started(time.Now())
			return true
		}
		i.log.Error("the plugin does not start", "error", err)
		i.mu.Lock()
		i.fault = err
		i.mu.Unlock()
	}
}

// start brings up a process in the place of one that has ended.
func (i *Instance) start() error {
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	i.mu.Lock()
	plugin := i.plugin
	i.mu.Unlock()
	proc, err := plugin.up(ctx)
	if err != nil {
		return err
	}
	if err := i.connect(ctx, proc); err != nil {
		proc.Kill("it could not be opened")
		return err
	}
	i.mu.Lock()
	listen := i.listen
	i.restarts++
	i.mu.Unlock()
	if listen != nil {
		i.tellListen(*listen)
	}
	i.log.Info("the plugin is up again", "pid", proc.PID())
	return nil
}
