package rabbitmq

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/test/brokers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(brokers.Stopping(m)) }
