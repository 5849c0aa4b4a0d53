package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// Info implements the control service, as the following do.
func (s *server) Info(context.Context, *pluginpb.InfoRequest) (*pluginpb.InfoReply, error) {
	i := s.plugin.Info()
	return &pluginpb.InfoReply{
		Name: i.Name, Kind: string(i.Kind), Version: i.Version, ApiVersion: i.APIVersion,
		Capabilities: i.Capabilities, Schema: i.Schema,
	}, nil
}

func (s *server) Configure(_ context.Context, r *pluginpb.ConfigureRequest) (*pluginpb.ConfigureReply, error) {
	s.calls.Lock()
	defer s.calls.Unlock()
	if s.stage == opened {
		return nil, status.Error(codes.FailedPrecondition, "the plugin is open: it cannot be configured any more")
	}
	setup, faults := s.plugin.Configure(r.GetOptions())
	reply := &pluginpb.ConfigureReply{Listen: setup.Listen}
	for _, f := range faults {
		reply.Errors = append(reply.Errors, &pluginpb.OptionError{Pointer: f.Pointer, Message: f.Message})
	}
	for _, o := range setup.Outputs {
		reply.Outputs = append(reply.Outputs, string(o))
	}
	if setup.Input != nil {
		options, err := json.Marshal(setup.Input)
		if err != nil {
			return nil, fmt.Errorf("encode the input's options: %w", err)
		}
		reply.Input = &pluginpb.Input{Options: options}
	}
	if len(faults) == 0 {
		s.stage = configured
	}
	return reply, nil
}

func (s *server) Attach(_ context.Context, r *pluginpb.AttachRequest) (*pluginpb.AttachReply, error) {
	s.calls.Lock()
	defer s.calls.Unlock()
	if s.stage == fresh {
		return nil, errNotConfigured
	}
	s.presence.allow(time.Duration(r.GetGraceMs()) * time.Millisecond)
	return s.runner.Attach(r)
}

func (s *server) Open(ctx context.Context, _ *pluginpb.OpenRequest) (*pluginpb.OpenReply, error) {
	s.calls.Lock()
	defer s.calls.Unlock()
	switch s.stage {
	case fresh:
		return nil, errNotConfigured
	case opened:
		return nil, status.Error(codes.FailedPrecondition, "the plugin is open already")
	}
	reply, err := s.runner.Open(ctx)
	if err == nil && reply.GetError() == "" {
		s.stage = opened
	}
	return reply, err
}

var errNotConfigured = status.Error(codes.FailedPrecondition, "the plugin is not configured")

func (s *server) Check(context.Context, *pluginpb.CheckRequest) (*pluginpb.CheckReply, error) {
	c, ok := s.plugin.(sdk.Checker)
	if !ok {
		return &pluginpb.CheckReply{}, nil
	}
	return &pluginpb.CheckReply{Fault: text(c.Check())}, nil
}

func (s *server) Close(_ context.Context, r *pluginpb.CloseRequest) (*pluginpb.CloseReply, error) {
	err := s.close(time.Now().Add(time.Duration(r.GetWithinMs()) * time.Millisecond))
	go s.stop() // It waits for this answer.
	return &pluginpb.CloseReply{Error: text(err)}, nil
}

func (s *server) Logs(_ *pluginpb.LogsRequest, stream grpc.ServerStreamingServer[pluginpb.LogEntry]) error {
	return s.journal.stream(stream.Context(), stream.Send)
}

func (s *server) TakeOver(ctx context.Context, r *pluginpb.TakeOverRequest) (*pluginpb.TakeOverReply, error) {
	s.calls.Lock()
	defer s.calls.Unlock()
	if s.stage != configured {
		return nil, errNotConfigured
	}
	reply, err := s.runner.TakeOver(ctx, r)
	if err == nil && reply.GetError() == "" {
		s.stage = opened
	}
	return reply, err
}

func (s *server) HandOver(ctx context.Context, r *pluginpb.HandOverRequest) (*pluginpb.HandOverReply, error) {
	s.calls.Lock()
	defer s.calls.Unlock()
	return s.runner.HandOver(ctx, r)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
