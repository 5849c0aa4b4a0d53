// Command pushcore-mqtt is the MQTT transport as a plugin in a process of its own.
package main

import (
	"github.com/pushcore/pushcore/examples/plugins/mqtt"
	"github.com/pushcore/pushcore/sdk/serve"
)

func main() { serve.Main(mqtt.New()) }
