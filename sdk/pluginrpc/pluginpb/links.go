package pluginpb

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// The portable carrier: a stream both ways whose messages are records as they are.
// No .proto can declare it, see plugin.proto.

// Records is a message of the portable carrier.
type Records []byte

// MessageBytesMax bounds a message of the portable carrier: the longest record and
// some more.
const MessageBytesMax = 65 << 20

// LinksMethod is the full name of the carrier's method.
const LinksMethod = "/pushcore.plugin.v1.Links/Link"

// LinksServer serves links.
type LinksServer interface {
	// Link serves one link; it returns when that has ended.
	Link(LinkStream) error
}

// LinkStream is one link, on either side.
type LinkStream interface {
	Context() context.Context
	SendMsg(m any) error
	RecvMsg(m any) error
}

var linksDesc = grpc.ServiceDesc{
	ServiceName: "pushcore.plugin.v1.Links",
	HandlerType: (*LinksServer)(nil),
	Streams: []grpc.StreamDesc{{
		StreamName: "Link", ServerStreams: true, ClientStreams: true,
		Handler: func(server any, stream grpc.ServerStream) error { return server.(LinksServer).Link(stream) },
	}},
}

// RegisterLinks adds the carrier to a server, which was made with ServerOptions.
func RegisterLinks(r grpc.ServiceRegistrar, s LinksServer) { r.RegisterService(&linksDesc, s) }

// ServerOptions let a server carry records beside protobuf messages.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ForceServerCodecV2(codec{}), grpc.MaxRecvMsgSize(MessageBytesMax), grpc.MaxSendMsgSize(MessageBytesMax)}
}

// OpenLink opens a link; it ends with ctx.
func OpenLink(ctx context.Context, c grpc.ClientConnInterface) (grpc.ClientStream, error) {
	return c.NewStream(ctx, &linksDesc.Streams[0], LinksMethod,
		grpc.ForceCodecV2(codec{}), grpc.MaxCallRecvMsgSize(MessageBytesMax), grpc.MaxCallSendMsgSize(MessageBytesMax))
}

// codec passes Records as they are and gives the rest to protobuf.
type codec struct{}

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	if r, ok := v.(*Records); ok {
		return mem.BufferSlice{mem.SliceBuffer(*r)}, nil
	}
	return encoding.GetCodecV2(proto.Name).Marshal(v)
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	if r, ok := v.(*Records); ok {
		*r = data.Materialize()
		return nil
	}
	return encoding.GetCodecV2(proto.Name).Unmarshal(data, v)
}

func (codec) Name() string { return proto.Name }
