package kafka

import (
	"fake/plugins/internal/lines"
	"fake/plugins/mq/internal/pace"
	"fake/plugins/mq/kafka/offset"
	"fake/sdk"

	"github.com/segmentio/kafka-go"
)

var _, _, _, _, _ = lines.X, pace.X, offset.X, sdk.X, kafka.X
