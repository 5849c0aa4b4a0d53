package main

import "github.com/spf13/cobra"

// commands returns what the binary can do, in the order of its help.
func commands() []*cobra.Command {
	return []*cobra.Command{newPush(), newConnect(), newSession(), newGroup(), newUser(), newWhere(), newToken(), newDead(), newBench(), newDrain(), newUpgrade(), newPlugin(), newVersion(), newRun(), newCheck(), newConfig()}
}
