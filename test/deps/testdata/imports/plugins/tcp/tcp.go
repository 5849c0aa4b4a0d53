package tcp

import (
	_ "fake/core/loop"
	_ "fake/plugins/ws"
)
