package ack

import "fake/core/wheel"

var _ = wheel.X
