package core

import "fake/core/host"

var _ = host.X
