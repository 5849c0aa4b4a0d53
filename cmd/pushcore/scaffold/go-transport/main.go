// Command yourplugin is a transport for pushcore: JSON, one object a line, over TCP.
package main

import "github.com/pushcore/pushcore/sdk/serve"

func main() { serve.Main(&Transport{}) }
