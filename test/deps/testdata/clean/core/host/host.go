package host

import (
	"fake/core/dispatch"

	"google.golang.org/grpc"
)

var _, _ = grpc.X, dispatch.X
