package wheel

import (
	_ "fake/core/ack"
	_ "fake/core/retry"
)
