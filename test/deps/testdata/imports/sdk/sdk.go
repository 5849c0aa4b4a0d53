package sdk

import (
	_ "fake/core/loop"
	_ "fake/sdk/serve"

	_ "github.com/oklog/ulid/v2"
)
