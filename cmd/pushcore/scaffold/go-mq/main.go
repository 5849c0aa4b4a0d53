// Command yourplugin is an MQ plugin for pushcore: files in a directory are its broker.
package main

import "github.com/pushcore/pushcore/sdk/serve"

func main() { serve.Main(&MQ{}) }
