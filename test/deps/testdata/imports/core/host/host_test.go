package host

import (
	_ "fake/core"
	_ "fake/plugins/tcp"
)
