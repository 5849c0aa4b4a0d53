"""The process of a pushcore plugin: handshake, control service, links. Copy this file, records.py, plugin.proto and
plugin_pb2.py into your plugin. It keeps nothing over a restart of the runtime: when its links end, the process ends.

    class MyPlugin:
        info = {"name": "mine", "kind": "mq", "version": "1.0.0"}      # kind: transport or mq
        def configure(self, options): ...   # returns {"errors": [{"pointer", "message"}], "outputs": [...], "input": {...}}
        async def open(self, host): ...     # may raise; host.log, host.instance, host.links; a transport returns its endpoints
        def record(self, link, record): ... # what came down: link.loop, link.send(record), link.credit()
        def flush(self, link): ...          # a transport: the turn is over, write now
        async def close(self, within): ...  # seconds
        def check(self): ...                # optional: why it does not serve, or ""

    serve(MyPlugin())

Everything runs on one asyncio loop. plugin_pb2.py is made by: python -m grpc_tools.protoc -I. --python_out=. plugin.proto
"""

import asyncio
import collections
import hmac
import json
import os
import secrets
import signal
import sys
import tempfile
import time
import traceback

import grpc

import plugin_pb2 as pb
from records import decode, encode

PROTOCOL = "1"  # of docs/plugin-protocol.md
API_VERSION = "1.0"
MESSAGE_MAX = 65 << 20
FIRST_GRACE = 30  # seconds to be attached in
LOG_MAX = 1000


def serve(plugin):
    if "PUSHCORE_PLUGIN" not in os.environ:
        print("This is a plugin of pushcore: name it in the configuration (command:), do not start it by hand.", file=sys.stderr)
        sys.exit(2)
    spoken = os.environ.get("PLUGIN_PROTOCOL_VERSIONS", PROTOCOL)
    if PROTOCOL not in spoken.split(","):
        print(f"This plugin speaks version {PROTOCOL} of the plugin protocol, pushcore {spoken}.", file=sys.stderr)
        sys.exit(1)
    handshake = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Nothing but the handshake goes to standard output.
    asyncio.run(Process(plugin).run(handshake))


class Process:
    """Serves the runtime until it closes the plugin or is gone."""

    def __init__(self, plugin):
        self.plugin, self.log = plugin, Log()
        self.tokens, self.links, self.instance = [], set(), ""
        self.linked = asyncio.Event()  # all links are open
        self.closing = False
        self.ending = asyncio.Event()

    async def run(self, handshake):
        options = [("grpc.max_receive_message_length", MESSAGE_MAX), ("grpc.max_send_message_length", MESSAGE_MAX)]
        server = grpc.aio.server(options=options)
        server.add_generic_rpc_handlers(self.services())
        directory = os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.mkdtemp(prefix="plugin-")  # Mode 0700.
        path = os.path.join(directory, "control.sock")
        server.add_insecure_port(f"unix:{path}")
        await server.start()
        for number in (signal.SIGINT, signal.SIGTERM):  # The runtime ends us, it has devices to say goodbye to.
            asyncio.get_running_loop().add_signal_handler(number, lambda: None)
        handshake.write(f"1|{PROTOCOL}|unix|{path}|grpc\n")
        handshake.close()
        self.orphan = asyncio.get_running_loop().call_later(FIRST_GRACE, self.end, "no runtime has come")
        await self.ending.wait()
        await server.stop(grace=0.5)

    def end(self, why):
        print(f"The plugin ends: {why}.", file=sys.stderr)
        self.ending.set()

    def services(self):
        """What the runtime calls; go-plugin's health check and polite kill, and the links, are bytes as they are."""

        def unary(method, request, reply):
            async def call(message, context):
                return await method(message, context)

            return grpc.unary_unary_rpc_method_handler(call, request.FromString, reply.SerializeToString)

        control = {
            "Info": unary(self.info, pb.InfoRequest, pb.InfoReply),
            "Configure": unary(self.configure, pb.ConfigureRequest, pb.ConfigureReply),
            "Attach": unary(self.attach, pb.AttachRequest, pb.AttachReply),
            "Open": unary(self.open, pb.OpenRequest, pb.OpenReply),
            "Check": unary(self.check, pb.CheckRequest, pb.CheckReply),
            "Close": unary(self.close, pb.CloseRequest, pb.CloseReply),
            "Logs": grpc.unary_stream_rpc_method_handler(self.log.stream, pb.LogsRequest.FromString, pb.LogEntry.SerializeToString),
        }
        return [
            grpc.method_handlers_generic_handler("pushcore.plugin.v1.Plugin", control),
            grpc.method_handlers_generic_handler("pushcore.plugin.v1.Links", {"Link": grpc.stream_stream_rpc_method_handler(self.link)}),
            grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(self.health)}),
            grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": grpc.unary_unary_rpc_method_handler(self.shutdown)}),
        ]

    async def health(self, request, context):
        return b"\x08\x01"  # SERVING

    async def shutdown(self, request, context):
        self.ending.set()
        return b""

    async def info(self, request, context):
        return pb.InfoReply(**{"api_version": API_VERSION, **self.plugin.info})

    async def configure(self, request, context):
        try:
            options = json.loads(request.options or b"{}")
        except ValueError as e:
            return pb.ConfigureReply(errors=[{"pointer": "", "message": f"not JSON: {e}"}])
        if not isinstance(options, dict):
            return pb.ConfigureReply(errors=[{"pointer": "", "message": "must be an object"}])
        reply = self.plugin.configure(options)
        if "input" in reply:
            reply["input"] = {"options": json.dumps(reply["input"]).encode()}
        return pb.ConfigureReply(**reply)

    async def attach(self, request, context):
        if request.api_version.split(".")[0] != API_VERSION.split(".")[0]:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"this plugin speaks version {API_VERSION}")
        self.orphan.cancel()
        self.instance = request.instance
        self.linked.clear()
        self.tokens = [secrets.token_bytes(32) for _ in range(request.loops)]
        return pb.AttachReply(tokens=self.tokens)

    async def open(self, request, context):
        await self.linked.wait()  # The call may overtake them.
        try:
            return pb.OpenReply(endpoints=await self.plugin.open(self) or [])
        except Exception as e:
            self.log.debug("open failed", trace=traceback.format_exc())
            return pb.OpenReply(error=str(e) or type(e).__name__)

    async def check(self, request, context):
        return pb.CheckReply(fault=self.plugin.check() if hasattr(self.plugin, "check") else "")

    async def close(self, request, context):
        self.closing, error = True, ""
        try:
            await asyncio.wait_for(self.plugin.close(request.within_ms / 1000), request.within_ms / 1000 or None)
        except Exception as e:
            error = str(e) or type(e).__name__
        for link in self.links:
            link.end()
        asyncio.get_running_loop().call_later(0.1, self.ending.set)  # When the answer is on its way.
        return pb.CloseReply(error=error)

    async def link(self, messages, context):
        """Serves one link of the portable carrier: a stream both ways whose messages are records."""
        await context.send_initial_metadata(())
        stream = aiter(messages)
        try:
            first, *records = whole(await anext(stream))
            link = self.hello(first)
        except Exception as e:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(e))
        reader = asyncio.create_task(self.read(link, records, stream))
        writer = asyncio.create_task(link.write(context))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.links.discard(link)
            reader.cancel()
            writer.cancel()
            if not self.closing:
                self.end(f"the link of loop {link.loop} has ended")

    async def read(self, link, records, stream):
        try:
            while True:
                for record in records:
                    link.take(record, self.plugin)
                records = whole(await anext(stream))
        except StopAsyncIteration:
            pass
        except Exception:
            print("A link is broken:", file=sys.stderr)
            traceback.print_exc()

    def hello(self, record):
        token = self.tokens[record["loop"]] if record["kind"] == "hello" and record["loop"] < len(self.tokens) else None
        if token is None or not hmac.compare_digest(token, record["token"]):
            raise ValueError("a link without its token")
        self.tokens[record["loop"]] = None  # For one use.
        link = Link(record["loop"])
        self.links.add(link)
        if not any(self.tokens):
            self.linked.set()
        return link


class Link:
    """One loop's link. What is sent while a message is under way leaves in the next one."""

    def __init__(self, loop):
        self.loop = loop
        self.out, self.ready, self.ended = [], asyncio.Event(), False
        self.sent = self.allowed = 0  # payload bytes of uplinks
        self.flushes = self.taken = 0  # taken: bytes of records, Hello not counted

    def send(self, record):
        """Puts a record on the link. It never waits."""
        if record["kind"] == "uplink":
            self.sent += len(record.get("payload") or b"")
        self.out.append(encode(record))
        self.ready.set()

    def credit(self):
        """How many payload bytes of uplinks may be sent: at 0, read no more of them."""
        return max(0, self.allowed - self.sent)

    def take(self, record, plugin):
        self.taken += record["size"]
        if record["kind"] not in ("flush", "credit"):
            plugin.record(self, record)
            return
        self.allowed = record["consumed"] + record["bytes"]
        if record["kind"] == "flush":
            plugin.flush(self)
            self.flushes += 1
            self.send({"kind": "flushed", "flushes": self.flushes, "bytes": self.taken})

    async def write(self, context):
        while self.out or not self.ended:
            await self.ready.wait()
            self.ready.clear()
            batch, self.out = self.out, []
            for message in messages_of(batch):
                await context.write(message)

    def end(self):
        self.ended = True
        self.ready.set()


def whole(message):
    records, rest = decode(message)
    if rest:
        raise ValueError("a message that is not whole records")
    return records


def messages_of(records, size_max=1 << 20):
    """Joins records to messages of about a size."""
    message = bytearray()
    for record in records:
        if message and len(message) + len(record) > size_max:
            yield bytes(message)
            message = bytearray()
        message += record
    if message:
        yield bytes(message)


class Log:
    """Keeps what the plugin logs until the runtime takes it."""

    LEVELS = {"debug": -4, "info": 0, "warn": 4, "error": 8}

    def __init__(self):
        self.waiting, self.lost, self.ready = collections.deque(), 0, asyncio.Event()
        self.lowest = self.LEVELS.get(os.environ.get("PUSHCORE_LOG_LEVEL"), 0)

    def debug(self, message, **attributes):
        self.add("debug", message, attributes)

    def info(self, message, **attributes):
        self.add("info", message, attributes)

    def warn(self, message, **attributes):
        self.add("warn", message, attributes)

    def error(self, message, **attributes):
        self.add("error", message, attributes)

    def add(self, level, message, attributes):
        level = self.LEVELS[level]
        if level < self.lowest:
            return
        text = json.dumps(attributes, default=str).encode()
        self.waiting.append(pb.LogEntry(level=level, message=message, attributes=text, time_ns=time.time_ns()))
        if len(self.waiting) > LOG_MAX:
            self.waiting.popleft()
            self.lost += 1
        self.ready.set()

    async def stream(self, request, context):
        while True:
            while self.waiting:
                entry = self.waiting.popleft()
                entry.lost, self.lost = self.lost, 0
                await context.write(entry)
            self.ready.clear()
            await self.ready.wait()
