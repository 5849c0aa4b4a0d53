package store

import (
	_ "fake/test/brokers"
	_ "google.golang.org/grpc/codes"
)
