package serve

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/emptypb"
)

// What hashicorp/go-plugin asks of a plugin besides its own service. Its own
// server is not used: it puts pipes in the place of standard output and standard
// error whose only reader is the runtime, so that a plugin that writes while
// there is no runtime would soon stand still.

// registerHealth answers pings.
func registerHealth(s *grpc.Server) {
	h := health.NewServer()
	h.SetServingStatus("plugin", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(s, h)
}

// controller ends the process when go-plugin's client kills it politely.
type controller interface {
	shutdown()
}

func (s *server) shutdown() {
	go func() {
		_ = s.close(time.Now().Add(closeWithin)) // Nobody is left to hear of it.
		s.stop()
	}()
}

// registerController adds plugin.GRPCController, whose messages are empty.
func registerController(s *grpc.Server, c controller) {
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "plugin.GRPCController",
		HandlerType: (*controller)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "Shutdown",
			Handler: func(srv any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				if err := decode(&emptypb.Empty{}); err != nil {
					return nil, err
				}
				srv.(controller).shutdown()
				return &emptypb.Empty{}, nil
			},
		}},
	}, c)
}
