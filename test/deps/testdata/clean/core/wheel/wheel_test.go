package wheel_test

import (
	"sync"
	"time"

	"fake/core/wheel"
)

var (
	mu  sync.Mutex // A test may.
	now = time.Now()
	_   = wheel.X
)
