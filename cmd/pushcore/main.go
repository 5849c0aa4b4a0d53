// Command pushcore runs a node and talks to one: server, tools and load
// generator in one binary.
package main

import "os"

func main() { os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
