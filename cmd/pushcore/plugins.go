package main

import (
	"github.com/pushcore/pushcore/core"
	"github.com/pushcore/pushcore/plugins/mq/kafka"
	"github.com/pushcore/pushcore/plugins/mq/rabbitmq"
	"github.com/pushcore/pushcore/plugins/tcp"
	"github.com/pushcore/pushcore/plugins/ws"
	"github.com/pushcore/pushcore/sdk"
)

// builtIn are the plugins that come with the binary, by the name that `use` gives.
var builtIn = core.Registry{
	Transports: map[string]func() sdk.Transport{
		"tcp": func() sdk.Transport { return tcp.New() },
		"ws":  func() sdk.Transport { return ws.New() },
	},
	MQs: map[string]func() sdk.MQ{
		"kafka":    func() sdk.MQ { return kafka.New() },
		"rabbitmq": func() sdk.MQ { return rabbitmq.New() },
	},
}
